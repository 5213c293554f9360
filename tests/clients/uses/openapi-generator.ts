import type { Observable } from 'rxjs';

import type { SessionsService, UsersService } from './api';
import type { ProblemDocument, Refresh200Response, TokenPair, User, UserPage } from './api';

export function signIn(sessions: SessionsService, username: string, password: string): Observable<TokenPair> {
  return sessions.login(username, password);
}

export function search(users: UsersService, q: string): Observable<UserPage> {
  // @ts-expect-error: no such order
  users.listUsers(q, true, undefined, 'age');
  return users.listUsers(q, true, undefined, '-created_at', undefined, 10);
}

export function rename(users: UsersService, user: User, tag: string): Observable<User> {
  // @ts-expect-error: no such field
  users.updateUser(user.id, { nickname: 'Ada' });
  return users.updateUser(user.id, { name: null, roles: [...user.roles, 'notifier'] }, tag);
}

export function accessToken(renewal: Refresh200Response): string | undefined {
  return renewal.token_type === 'bearer' ? renewal.access_token : undefined;
}

export function faultOf(problem: ProblemDocument, pointer: string): string | undefined {
  return problem.errors?.find(error => error.pointer === pointer)?.detail;
}

export function title(user: User): string {
  return user.name ?? user.email;
}
