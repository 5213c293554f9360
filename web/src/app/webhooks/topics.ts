import type { EventType } from '../api/models';

/** The events of a topic, in the order of the catalog. */
export interface Topic {
  readonly name: string;
  readonly events: readonly EventType[];
}

/** Group events by their topic, those whose type or description contains a text. */
export function topicsOf(catalog: readonly EventType[], search: string): Topic[] {
  const wanted = search.trim().toLowerCase();
  const topics = new Map<string, EventType[]>();
  for (const event of catalog) {
    if (!`${event.type} ${event.description}`.toLowerCase().includes(wanted)) continue;
    const [name = ''] = event.type.split('.');
    topics.set(name, [...(topics.get(name) ?? []), event]);
  }
  return [...topics].map(([name, events]) => ({ name, events }));
}

/** Without what broader subscriptions contain. */
export function simplified(events: readonly string[]): string[] {
  if (events.includes('*')) return ['*'];
  const wide = new Set(events.filter((each) => each.endsWith('.*')).map((each) => each.slice(0, -2)));
  const kept = events.filter((each) => each.endsWith('.*') || !wide.has(each.split('.')[0] ?? ''));
  return [...new Set(kept)].sort();
}
