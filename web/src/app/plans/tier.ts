import {
  Component,
  computed,
  effect,
  ElementRef,
  inject,
  input,
  linkedSignal,
  numberAttribute,
  signal,
  untracked,
} from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { getTier } from '../api/fn/plans/get-tier';
import { listTiers } from '../api/fn/plans/list-tiers';
import type { RateLimit, Tier, TierTarget } from '../api/models';
import { PlansService } from '../api/services';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { lastValue, read } from '../kernel/read';
import { Confirm } from '../ui/confirm';
import { Icon } from '../ui/icon';
import { ListFoot } from '../ui/list-foot';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { targetChanger } from './change-target';
import { rateLimitsReader, readTargets } from './listing';
import { nameTarget, Target } from './target';
import { TargetForm } from './target-form';
import { isRefusal, t as texts } from './texts';
import { type Loaded, TierName } from './tier-name';

/** A tier: its name, its targets, and their rate limits. */
@Component({
  selector: 'app-tier',
  imports: [
    Empty,
    Failure,
    Icon,
    ListFoot,
    MatButton,
    Page,
    RouterLink,
    Skeleton,
    Target,
    TargetForm,
    TierName,
  ],
  templateUrl: './tier.html',
  styleUrls: ['../ui/back.scss', './tier.scss'],
})
export class TierPage {
  readonly id = input.required<number, unknown>({ transform: numberAttribute });

  private readonly plans = inject(PlansService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly router = inject(Router);
  private readonly readRules = rateLimitsReader();
  private readonly changeTarget = targetChanger(
    (id) => this.allTiers()?.find((tier) => tier.id === id)?.name ?? String(id),
  );
  protected readonly t = computed(() => texts().tier);

  protected readonly tier = read(getTier, () => ({ tier_id: this.id() }));
  protected readonly loaded = linkedSignal<Loaded | undefined, Loaded | undefined>({
    source: () => {
      if (!this.tier.hasValue()) return undefined;
      return { tier: this.tier.value(), etag: this.tier.headers()?.get('ETag') ?? undefined };
    },
    computation: (loaded, previous) => {
      const before: Loaded | undefined = previous?.value;
      return loaded ?? (before?.tier.id === this.id() ? before : undefined);
    },
    equal: (left, right) => !!left?.etag && left.etag === right?.etag && left.tier.id === right.tier.id,
  });
  protected readonly failure = computed(() => {
    const error = this.tier.error();
    return error && (!this.loaded() || problemOf(error).status === 404) ? error : undefined;
  });
  protected readonly targets = readTargets(this.id);
  private readonly tiers = read(listTiers, () => ({}));
  private readonly allTiers = lastValue(this.tiers);
  protected readonly others = computed(() => (this.allTiers() ?? []).filter(({ id }) => id !== this.id()));
  /** The rate limits of all targets; undefined until they are read. */
  protected readonly rules = signal<readonly RateLimit[] | undefined>(undefined);
  protected readonly rulesError = signal<unknown>(undefined);
  private readonly rulesOf = computed(() => {
    const found = new Map<number, RateLimit[]>();
    for (const rule of this.rules() ?? []) {
      const others = found.get(rule.tier_target_id);
      if (others) others.push(rule);
      else found.set(rule.tier_target_id, [rule]);
    }
    return found;
  });
  protected readonly adding = signal(false);
  protected readonly renaming = signal(false);
  protected readonly busy = signal<number | null>(null);
  /** Whether the server refused to delete the tier, since it has targets. */
  protected readonly inUse = signal(false);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private isRemoving = false;

  constructor() {
    refreshOn(['plans.*'], { reload: () => this.refresh() });
    effect(() => {
      const id = this.id();
      untracked(() => void this.load(id));
    });
  }

  protected of(target: TierTarget): readonly RateLimit[] {
    return this.rulesOf().get(target.id) ?? [];
  }

  protected async load(id = this.id()): Promise<void> {
    this.rulesError.set(undefined);
    try {
      const rules = await this.readRules(id);
      if (id === this.id()) this.rules.set(rules);
    } catch (error) {
      if (problemOf(error).status !== 404) this.rulesError.set(error);
    }
  }

  /** Read everything again. An open form keeps what it began with, so that this waits until it is closed. */
  private refresh(): boolean {
    if (this.isRemoving || this.host.querySelector('form') || !this.targets.refresh()) return false;
    this.tier.reload();
    this.tiers.reload();
    const [id, before] = [this.id(), this.rules()];
    this.readRules(id).then(
      (rules) => {
        if (id === this.id() && before === this.rules()) this.rules.set(sameWhereEqual(before ?? [], rules));
      },
      () => undefined, // they stay as they are; a later event reads them again
    );
    return true;
  }

  protected reload(): void {
    this.targets.reload();
    void this.load();
  }

  protected added(target: TierTarget): void {
    this.adding.set(false);
    this.targets.update((items) => [...items, target]);
    this.notices.say(this.t().added(nameTarget(target)));
  }

  protected keepRule(rule: RateLimit): void {
    this.rules.update((rules) => [...(rules ?? []).filter(({ id }) => id !== rule.id), rule].sort(byId));
    this.notices.say(this.t().ruleSaved);
  }

  protected async removeRule({ id, tier_target_id, ...rule }: RateLimit): Promise<void> {
    const { path, limit, period, name, quota, quota_period } = rule;
    await this.act(tier_target_id, async () => {
      await this.gone(firstValueFrom(this.plans.deleteRateLimit({ rate_limit_id: id }), NOTHING));
      this.rules.update((rules) => rules?.filter((each) => each.id !== id));
      const body = { path, limit, period, name, quota, quota_period };
      this.notices.offer(this.t().ruleDeleted(path), this.t().undo, () => {
        void this.act(tier_target_id, async () => {
          this.keepRule(await firstValueFrom(this.plans.createRateLimit({ tier_target_id, body })));
        });
      });
    });
  }

  protected async activate(target: TierTarget, is_active: boolean): Promise<void> {
    await this.act(target.id, async () => {
      this.place(await this.changeTarget(target, { is_active }));
    });
  }

  protected async move(target: TierTarget, to: number, name: string): Promise<void> {
    await this.act(target.id, async () => {
      const from = target.tier_id;
      const moved = await this.changeTarget(target, { tier_id: to });
      this.place(moved);
      if (to === from || moved.tier_id !== to) return;
      const { undo, moved: said } = this.t();
      this.notices.offer(said(nameTarget(target), name), undo, () => void this.move(moved, from, ''));
    });
  }

  protected async remove(target: TierTarget): Promise<void> {
    const rules = this.of(target);
    const { title, text, textWithRules, action } = this.t().removeTarget;
    const name = nameTarget(target);
    const question = {
      title: title(name),
      text: rules.length ? textWithRules(rules.length) : text,
      action,
      danger: true,
    };
    if (!(await this.confirm.ask(question))) return;
    await this.act(target.id, async () => {
      for (const { id } of rules) {
        await this.gone(firstValueFrom(this.plans.deleteRateLimit({ rate_limit_id: id }), NOTHING));
        this.rules.update((all) => all?.filter((each) => each.id !== id));
      }
      await this.gone(firstValueFrom(this.plans.deleteTierTarget({ tier_target_id: target.id }), NOTHING));
      this.targets.update((items) => items.filter(({ id }) => id !== target.id));
      this.inUse.set(false);
      this.notices.say(this.t().targetDeleted(name));
    });
  }

  protected async removeTier({ id, name }: Tier): Promise<void> {
    const { title, text, action } = this.t().removeTier;
    if (!(await this.confirm.ask({ title: title(name), text, action, danger: true }))) return;
    this.isRemoving = true;
    try {
      await this.gone(firstValueFrom(this.plans.deleteTier({ tier_id: id }), NOTHING));
    } catch (error) {
      this.isRemoving = false;
      if (problemOf(error).code === 'TIER_IN_USE') this.inUse.set(true);
      else this.notices.fail(error);
      return;
    }
    this.notices.say(this.t().tierDeleted(name));
    await this.router.navigate(['/plans']);
  }

  protected put(loaded: Loaded): void {
    this.loaded.set(loaded);
    this.renaming.set(false);
  }

  /** Show a target where it is now. */
  private place(target: TierTarget): void {
    if (target.tier_id !== this.id()) {
      this.targets.update((items) => items.filter(({ id }) => id !== target.id));
    } else if (this.targets.items()?.some(({ id }) => id === target.id)) {
      this.targets.update((items) => items.map((each) => (each.id === target.id ? target : each)));
    } else this.reload();
  }

  /** Wait for a deletion; a thing that was deleted before is no error. */
  private async gone(request: Promise<unknown>): Promise<void> {
    try {
      await request;
    } catch (error) {
      if (problemOf(error).status !== 404) throw error;
    }
  }

  private async act(target: number, action: () => Promise<void>): Promise<void> {
    this.busy.set(target);
    try {
      await action();
    } catch (error) {
      const problem = problemOf(error);
      if (isRefusal(problem)) this.notices.say(problem.detail);
      else this.notices.fail(error);
      this.reload(); // such as a switch that the server refused
    } finally {
      this.busy.set(null);
    }
  }
}

const NOTHING = { defaultValue: undefined };

/** The new rules, as the same objects where they are equal: a form that was opened meanwhile keeps what is typed. */
function sameWhereEqual(before: readonly RateLimit[], rules: readonly RateLimit[]): readonly RateLimit[] {
  const known = new Map(before.map((rule) => [JSON.stringify(rule), rule]));
  return rules.map((rule) => known.get(JSON.stringify(rule)) ?? rule);
}

const byId = (left: RateLimit, right: RateLimit) => left.id - right.id;
