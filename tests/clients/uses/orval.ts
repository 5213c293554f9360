import type { Observable } from 'rxjs';

import type { BearerRenewal, CookieRenewal, ProblemDocument, TokenPair, User, UserPage } from './api/model';
import type { SessionsService } from './api/sessions/sessions.service';
import type { UsersService } from './api/users/users.service';

export function signIn(sessions: SessionsService, username: string, password: string): Observable<TokenPair> {
  return sessions.login({ username, password });
}

export function search(users: UsersService, q: string): Observable<UserPage> {
  // @ts-expect-error: no such order
  users.listUsers({ sort: 'age' });
  return users.listUsers({ q, is_active: true, sort: '-created_at', limit: 10 });
}

// It has no parameters for request headers.
export function rename(users: UsersService, user: User, tag: string): Observable<User> {
  // @ts-expect-error: no such field
  users.updateUser(user.id, { nickname: 'Ada' });
  return users.updateUser(user.id, { name: null, roles: [...user.roles, 'notifier'] }, { headers: { 'If-Match': tag } });
}

export function accessToken(renewal: BearerRenewal | CookieRenewal): string | undefined {
  return renewal.token_type === 'bearer' ? renewal.access_token : undefined;
}

export function faultOf(problem: ProblemDocument, pointer: string): string | undefined {
  return problem.errors?.find(error => error.pointer === pointer)?.detail;
}

export function title(user: User): string {
  return user.name ?? user.email;
}
