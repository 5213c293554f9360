import { account } from './account/account.feature';
import { audit } from './audit/audit.feature';
import type { Feature } from './kernel/feature';
import { notifications } from './notifications/notifications.feature';
import { operations } from './operations/operations.feature';
import { people } from './people/people.feature';
import { plans } from './plans/plans.feature';
import { personal } from './personal/personal.feature';
import { sessions } from './sessions/sessions.feature';
import { system } from './system/system.feature';
import { users } from './users/users.feature';
import { webhooks } from './webhooks/webhooks.feature';

/** The features of the application, in the order of the navigation. */
export const FEATURES: readonly Feature[] = [
  users,
  account,
  sessions,
  notifications,
  webhooks,
  plans,
  personal,
  people,
  audit,
  operations,
  system,
];
