import {
  login,
  updateUser,
  type BearerRenewal,
  type CookieRenewal,
  type ProblemDocument,
  type UpdateUserErrors,
  type User,
} from './api';
import { listUsersResource } from './api/@angular/common.gen';

export async function signIn(username: string, password: string): Promise<string | undefined> {
  const { data } = await login({ body: { username, password } });
  return data?.access_token;
}

export function search(q: () => string): User[] {
  // @ts-expect-error: no such order
  listUsersResource(() => ({ query: { sort: 'age' } }));
  const page = listUsersResource(() => ({ query: { q: q(), is_active: true, sort: '-created_at', limit: 10 } }));
  return page.hasValue() ? page.value().items : [];
}

export async function rename(user: User, tag: string): Promise<User> {
  // @ts-expect-error: no such field
  void updateUser({ path: { id: user.id }, body: { nickname: 'Ada' } });
  const { data } = await updateUser({
    path: { id: user.id },
    headers: { 'If-Match': tag },
    body: { name: null, roles: [...user.roles, 'notifier'] },
    throwOnError: true,
  });
  return data;
}

export function stale(error: UpdateUserErrors[412]): string {
  return error.detail;
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
