import createClient from 'openapi-fetch';

import type { components, paths } from './api/schema';

type User = components['schemas']['User'];
type Renewal = paths['/auth/refresh']['post']['responses'][200]['content']['application/json'];

const api = createClient<paths>({ baseUrl: '/api' });

export async function signIn(username: string, password: string): Promise<string | undefined> {
  const { data } = await api.POST('/auth/jwt/login', {
    body: { username, password },
    bodySerializer: fields => new URLSearchParams({ ...fields }),
  });
  return data?.access_token;
}

export async function search(q: string): Promise<User[]> {
  // @ts-expect-error: no such order
  void api.GET('/users', { params: { query: { sort: 'age' } } });
  const { data } = await api.GET('/users', { params: { query: { q, is_active: true, sort: '-created_at', limit: 10 } } });
  return data?.items ?? [];
}

export async function rename(user: User, tag: string): Promise<User | string> {
  const params = { path: { id: user.id }, header: { 'If-Match': tag } };
  // @ts-expect-error: no boolean
  void api.PATCH('/users/{id}', { params, body: { is_active: 'yes' } });
  const { data, error } = await api.PATCH('/users/{id}', {
    params,
    body: { name: null, roles: [...user.roles, 'notifier'] },
  });
  return error ? error.detail : data;
}

export function accessToken(renewal: Renewal): string | undefined {
  return renewal.token_type === 'bearer' ? renewal.access_token : undefined;
}

export function faultOf(problem: components['schemas']['ProblemDocument'], pointer: string): string | undefined {
  return problem.errors?.find(error => error.pointer === pointer)?.detail;
}

export function title(user: User): string {
  return user.name ?? user.email;
}
