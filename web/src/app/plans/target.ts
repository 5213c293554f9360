import { Component, computed, effect, ElementRef, input, output, signal, viewChild } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatMenuModule } from '@angular/material/menu';
import { RouterLink } from '@angular/router';

import type { RateLimit, Tier, TierTarget } from '../api/models';
import { formatNumber } from '../kernel/time';
import { Icon } from '../ui/icon';
import type { IconName } from '../ui/icons';
import { RuleForm } from './rule-form';
import { t as texts } from './texts';

const ICONS: Readonly<Record<TierTarget['target_type'], IconName>> = {
  U: 'person',
  G: 'group',
  T: 'stacks',
  A: 'key',
  S: 'computer',
};

/** A target of a tier with its rate limits. */
@Component({
  selector: 'app-target',
  imports: [Icon, MatButton, MatMenuModule, RouterLink, RuleForm],
  templateUrl: './target.html',
  styleUrl: './target.scss',
})
export class Target {
  readonly target = input.required<TierTarget>();
  readonly rules = input.required<readonly RateLimit[]>();
  /** The tiers to which it can move. */
  readonly others = input.required<readonly Tier[]>();
  readonly busy = input(false);
  readonly activated = output<boolean>();
  readonly moved = output<Tier>();
  readonly removed = output();
  readonly ruleSaved = output<RateLimit>();
  readonly ruleRemoved = output<RateLimit>();

  protected readonly ICONS = ICONS;
  protected readonly formatNumber = formatNumber;
  protected readonly all = texts;
  protected readonly t = computed(() => texts().target);
  /** The rate limit whose form is open, or `new`. */
  protected readonly editing = signal<number | 'new' | null>(null);
  protected readonly name = computed(() => nameTarget(this.target()));

  private readonly box = viewChild.required<ElementRef<HTMLInputElement>>('box');

  constructor() {
    // The browser has switched it; the target may be as before, such as after a refusal.
    effect(() => {
      if (!this.busy()) this.box().nativeElement.checked = this.target().is_active;
    });
  }

  protected saved(rule: RateLimit): void {
    this.editing.set(null);
    this.ruleSaved.emit(rule);
  }
}

/** A target in words. */
export function nameTarget({ target_type, target_id, name, user_email }: TierTarget): string {
  if (target_type === 'G' && target_id === '*') return texts().target.kinds.default;
  return user_email ?? name ?? target_id;
}
