import {
  Component,
  computed,
  ElementRef,
  inject,
  input,
  linkedSignal,
  model,
  output,
  signal,
} from '@angular/core';
import type { FormValueControl, ValidationError } from '@angular/forms/signals';

import { listEventTypes } from '../api/fn/webhooks/list-event-types';
import { read } from '../kernel/read';
import { firstError } from '../kernel/submit';
import { Icon } from '../ui/icon';
import { Failure, Skeleton } from '../ui/states';
import { Marked } from './marked';
import { t as texts } from './texts';
import { simplified, Topic, topicsOf } from './topics';

/** The events that a webhook receives: all, all of a topic, or single ones. */
@Component({
  selector: 'app-events-field',
  imports: [Failure, Icon, Marked, Skeleton],
  templateUrl: './events-field.html',
  styleUrl: './events-field.scss',
  host: { '(focusout)': 'leave($event)' },
})
export class EventsField implements FormValueControl<readonly string[]> {
  readonly value = model<readonly string[]>([]);
  readonly errors = input<readonly ValidationError.WithOptionalFieldTree[]>([]);
  readonly touched = input(false);
  readonly touch = output();

  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly t = computed(() => texts().events);
  protected readonly names = computed(() => texts().fields);
  protected readonly catalog = read(listEventTypes, () => ({}));
  protected readonly search = signal('');
  private readonly all = computed(() => (this.catalog.hasValue() ? this.catalog.value() : []));
  protected readonly topics = computed(() => topicsOf(this.all(), this.search()));
  protected readonly everything = computed(() => this.value().includes('*'));
  protected readonly error = computed(() =>
    this.touched() ? (firstError(this.errors())?.message ?? null) : null,
  );
  /** Topics whose events are shown: at first those of which single events are chosen. */
  protected readonly open = linkedSignal<ReadonlySet<string>>(() => {
    this.all();
    const single = this.value().filter((each) => !each.endsWith('*'));
    return new Set(single.map((each) => each.split('.')[0] ?? ''));
  });

  focus(): void {
    this.host.querySelector('input')?.focus();
  }

  protected leave({ relatedTarget }: FocusEvent): void {
    if (!(relatedTarget instanceof Node && this.host.contains(relatedTarget))) this.touch.emit();
  }

  protected isOpen(topic: Topic): boolean {
    return this.search() !== '' || this.open().has(topic.name);
  }

  protected toggle(topic: Topic): void {
    const open = new Set(this.open());
    if (!open.delete(topic.name)) open.add(topic.name);
    this.open.set(open);
  }

  protected has(subscription: string): boolean {
    return this.value().includes(subscription);
  }

  protected some({ name, events }: Topic): boolean {
    return !this.has(`${name}.*`) && events.some(({ type }) => this.has(type));
  }

  protected choose(subscription: string, on: boolean): void {
    const open = this.open();
    const others = this.value().filter((each) => each !== subscription);
    this.value.set(simplified(on ? [...others, subscription] : others));
    this.open.set(open);
  }
}
