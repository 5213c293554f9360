import { Component, computed, effect, inject, input, linkedSignal } from '@angular/core';
import { form, FormField, FormRoot, required, validate } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import {
  getEffectiveRateLimit,
  type GetEffectiveRateLimit$Params,
} from '../api/fn/plans/get-effective-rate-limit';
import type { Effective } from '../api/models';
import { UsersService } from '../api/services';
import { firstText, queryChanger } from '../kernel/query';
import { read } from '../kernel/read';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { type Choice, PersonPicker, pickerTexts } from '../ui/person-picker';
import { Failure, Skeleton } from '../ui/states';
import { PathField } from './path-field';
import { t as texts } from './texts';

const STEPS = ['target', 'group', 'tier', 'any', 'default'] as const;
const KINDS = ['U', 'G', 'default'] as const;
type Kind = (typeof KINDS)[number];

interface Values {
  readonly kind: Kind;
  readonly person: Choice | null;
  readonly role: string;
  readonly path: string;
}

/** Which rate limit applies to an account, a role or the default tier on a path, and why. What is asked is in the address. */
@Component({
  selector: 'app-effective',
  imports: [
    AppField,
    Failure,
    FormField,
    FormRoot,
    Icon,
    MatButton,
    Page,
    PathField,
    PersonPicker,
    RouterLink,
    Skeleton,
  ],
  templateUrl: './effective.html',
  styleUrls: ['../ui/back.scss', './effective.scss'],
})
export class EffectivePage {
  readonly kind = input(undefined, { transform: firstText });
  readonly of = input(undefined, { transform: firstText });
  readonly path = input(undefined, { transform: firstText });

  private readonly users = inject(UsersService);
  private readonly change = queryChanger();
  protected readonly t = computed(() => texts().effective);
  protected readonly all = texts;
  protected readonly KINDS = KINDS;
  protected readonly STEPS = STEPS;

  protected readonly answer = read(getEffectiveRateLimit, (): GetEffectiveRateLimit$Params | undefined => {
    const [kind, of, path] = [this.kind(), this.of(), this.path()];
    if (!path) return undefined;
    if (kind === 'U' || kind === 'G') return of ? { target_type: kind, target_id: of, path } : undefined;
    return { path };
  });

  private readonly values = linkedSignal<Values, Values>({
    source: () => ({
      kind: KINDS.find((each) => each === this.kind()) ?? 'U',
      person: null,
      role: this.kind() === 'G' ? (this.of() ?? '') : '',
      path: this.path() ?? '',
    }),
    computation: (asked, previous) => {
      const person = previous?.value.person ?? null; // its address is not in that of the page
      return { ...asked, person: asked.kind === 'U' && person?.id === this.of() ? person : null };
    },
  });
  protected readonly form = form(
    this.values,
    (path) => {
      required(path.path);
      validate(path.person, ({ value, valueOf }) =>
        valueOf(path.kind) === 'U' && !value()
          ? { kind: 'required', message: pickerTexts().required }
          : undefined,
      );
      validate(path.role, ({ value, valueOf }) =>
        valueOf(path.kind) === 'G' && !value().trim() ? { kind: 'required' } : undefined,
      );
    },
    {
      submission: submit({
        send: ({ kind, person, role, path }: Values) => {
          const of = kind === 'U' ? (person?.id ?? null) : kind === 'G' ? role.trim() : null;
          this.change({ kind, of, path: path.trim() });
          return Promise.resolve();
        },
      }),
    },
  );

  constructor() {
    // An address that was opened has only the id of the person.
    effect(() => {
      const id = this.of();
      if (this.kind() === 'U' && id && !this.values().person) void this.find(id);
    });
  }

  private async find(id: string): Promise<void> {
    try {
      const { email } = await firstValueFrom(this.users.getUser({ id }));
      this.values.update((values) => ({ ...values, person: { id, email } }));
    } catch {
      // An account that was deleted: the answer shows its id.
    }
  }

  protected stateOf(
    step: (typeof STEPS)[number],
    { step: decisive }: Effective,
  ): 'passed' | 'decides' | 'open' {
    const [at, end] = [STEPS.indexOf(step), STEPS.indexOf(decisive)];
    return at < end ? 'passed' : at === end ? 'decides' : 'open';
  }
}
