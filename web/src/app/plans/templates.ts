import { httpResource } from '@angular/common/http';
import { computed, Signal } from '@angular/core';

interface Document {
  readonly paths: Readonly<Record<string, unknown>>;
}

/** The paths of the API as rate limits write them, such as `users_{id}`, once `wanted`; none if it publishes none. */
export function readTemplates(wanted: Signal<boolean>): Signal<readonly string[]> {
  const document = httpResource<Document>(() => (wanted() ? '/api/openapi.json' : undefined));
  return computed(() => {
    if (!document.hasValue()) return [];
    const paths = Object.keys(document.value().paths).filter((path) => !path.startsWith('/plans/'));
    const plain = paths.map((path) => path.replace(/^\/(api\/)?/, '').replaceAll('/', '_'));
    return [...new Set(plain)].sort();
  });
}

const MOST = 30;

/** The templates that contain what is typed, and `*` first. */
export function matching(templates: readonly string[], typed: string): readonly string[] {
  const words = typed.trim().toLowerCase().replace(/^\/+/, '').replaceAll('/', '_');
  return ['*', ...templates].filter((each) => each.toLowerCase().includes(words)).slice(0, MOST);
}
