import { FieldTree, FormSubmitOptions, ValidationError } from '@angular/forms/signals';
import { firstValueFrom, type Observable } from 'rxjs';

import { Problem, problemOf } from './problem';

/** An error that the server found. On the form itself it is the whole problem, on a field that field's message. */
export interface ServerError extends ValidationError.WithOptionalFieldTree {
  readonly kind: 'server';
  readonly message: string;
  readonly problem: Problem;
}

interface Submission<T, R> {
  /** The request, with the form's value. */
  send: (value: T) => Observable<R> | Promise<R>;
  /** What follows a success. */
  done?: (result: R) => unknown;
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
  return {
    action: async (field) => {
      const form = field as unknown as FieldTree<T>;
      const value = form().value();
      try {
        const sent = send(value);
        const result = await (sent instanceof Promise
          ? sent
          : firstValueFrom(sent, { defaultValue: undefined as R }));
        await done?.(result);
        return undefined;
      } catch (error) {
        const problem = problemOf(error);
        if (problem.status === -1) console.error(error);
        if (failed?.(problem, value)) return undefined;
        const errors = locate(form, problem, fields);
        setTimeout(() => focusFirst(form));
        return errors;
      }
    },
    onInvalid: (field) => focusFirst(field),
  };
}

function locate<T>(
  form: FieldTree<T>,
  problem: Problem,
  fields: Readonly<Record<string, string>>,
): ServerError[] {
  const found: ServerError[] = [];
  for (const { pointer, detail } of problem.errors) {
    const fieldTree = fieldAt(form, pointer.split('/').slice(1));
    if (fieldTree) found.push({ kind: 'server', message: detail, problem, fieldTree });
  }
  const known = fields[problem.code];
  const fieldTree = known === undefined ? undefined : fieldAt(form, [known]);
  if (fieldTree && !found.length) found.push({ kind: 'server', message: problem.detail, problem, fieldTree });
  return found.length ? found : [{ kind: 'server', message: problem.detail, problem }];
}

function fieldAt(form: unknown, path: readonly string[]): FieldTree<unknown> | undefined {
  if (!path.length) return undefined;
  let field = form;
  for (const part of path) {
    field = (field as Record<string, unknown> | undefined)?.[
      part.replaceAll('~1', '/').replaceAll('~0', '~')
    ];
  }
  return field as FieldTree<unknown> | undefined;
}

function focusFirst(form: FieldTree<unknown>): void {
  form().errorSummary()[0]?.fieldTree().focusBoundControl();
}
