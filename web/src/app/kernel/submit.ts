import { signal } from '@angular/core';
import { FieldTree, FormSubmitOptions, ValidationError } from '@angular/forms/signals';
import { firstValueFrom, type Observable } from 'rxjs';

import { Problem, problemOf } from './problem';

/** An error that the server found. On the form itself it is the whole problem, on a field that field's message. */
export interface ServerError extends ValidationError.WithOptionalFieldTree {
  readonly kind: 'server';
  readonly message: string;
  readonly problem: Problem;
  /** Whether the form was not sent again since. */
  readonly isCurrent: () => boolean;
}

/** The first error to show. Angular keeps those of an earlier submission until the value changes. */
export function firstError<E extends ValidationError>(errors: readonly E[]): E | undefined {
  return errors.find((error) => !isOfServer(error) || error.isCurrent());
}

export const isOfServer = <E extends ValidationError>(error: E): error is E & ServerError =>
  error.kind === 'server';

interface Submission<T, R> {
  /** The request, with the form's value. */
  send: (value: T) => Observable<R> | Promise<R>;
  /** What follows a success of the request with this value: the form may show another one by now. */
  done?: (result: R, value: NoInfer<T>) => unknown;
  /** Fields to which problems without a pointer belong, by their code. */
  fields?: Readonly<Record<string, keyof T & string>>;
  /** Handle a problem in another way: return true to show nothing at the form. */
  failed?: (problem: Problem, value: T) => boolean;
}

/**
 * The submission of a Signal Form: `form(model, schema, { submission: submit({ send, done }) })`.
 *
 * Problems of the server appear at the fields to which `errors[].pointer` (RFC 6901) refers, others at the form. The
 * first invalid field gets the focus.
 */
export function submit<T, R>({
  send,
  done,
  fields = {},
  failed,
}: Submission<T, R>): FormSubmitOptions<T, unknown> {
  const attempts = signal(0);
  return {
    // What the server found, such as no connection, must not keep the same values from being sent again.
    ignoreValidators: 'all',
    action: async (field) => {
      const form = field as unknown as FieldTree<T>;
      if (
        form()
          .errorSummary()
          .some((error) => !isOfServer(error))
      ) {
        focusFirst(form);
        return undefined;
      }
      const value = form().value();
      attempts.update((count) => count + 1);
      const attempt = attempts();
      try {
        const sent = send(value);
        const result = await (sent instanceof Promise
          ? sent
          : firstValueFrom(sent, { defaultValue: undefined as R }));
        await done?.(result, value);
        return undefined;
      } catch (error) {
        const problem = problemOf(error);
        if (problem.status === -1) console.error(error);
        if (failed?.(problem, value)) return undefined;
        const errors = locate(form, problem, fields, () => attempts() === attempt);
        setTimeout(() => focusFirst(form));
        return errors;
      }
    },
  };
}

function locate<T>(
  form: FieldTree<T>,
  problem: Problem,
  fields: Readonly<Record<string, string>>,
  isCurrent: () => boolean,
): ServerError[] {
  const found: ServerError[] = [];
  const add = (message: string, fieldTree?: FieldTree<unknown>) =>
    found.push({ kind: 'server', message, problem, isCurrent, ...(fieldTree ? { fieldTree } : {}) });
  const others: string[] = [];
  for (const { pointer, detail } of problem.errors) {
    const fieldTree = fieldAt(form, pointer.split('/').slice(1));
    if (fieldTree) add(detail, fieldTree);
    else others.push(pointer ? `${pointer}: ${detail}` : detail);
  }
  const known = fields[problem.code];
  const fieldTree = known === undefined ? undefined : fieldAt(form, [known]);
  if (fieldTree && !found.length) add(problem.detail, fieldTree);
  else if (others.length || !found.length) add([problem.detail, ...others].join(' '));
  return found;
}

function fieldAt(form: FieldTree<unknown>, path: readonly string[]): FieldTree<unknown> | undefined {
  if (!path.length) return undefined;
  let field = form;
  for (const part of path) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const value = field().value();
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    const child = (field as Record<string, FieldTree<unknown>>)[name];
    if (typeof child !== 'function') return undefined; // the length of an array
    field = child;
  }
  return field;
}

function focusFirst(form: FieldTree<unknown>): void {
  firstError(form().errorSummary())?.fieldTree().focusBoundControl();
}
