import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { problems } from './texts';

/** What a refusal of this feature says, in the language of the application; undefined for other problems. */
export function refusalOf(error: unknown): string | undefined {
  return problems()[problemOf(error).code];
}

/** Say why an action failed. */
export function tellFailure(notices: Notices, error: unknown): void {
  const refusal = refusalOf(error);
  if (refusal) notices.say(refusal);
  else notices.fail(error);
}
