import type { Page } from '@playwright/test';
import axe from 'axe-core';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Inject axe into the page, once for each document, and return what violates WCAG 2.2 AA. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  return page.evaluate(async (values) => {
    const { axe: injected } = window as unknown as { axe: typeof axe };
    // Of other results than violations, only one element each is described.
    const found = await injected.run(document, {
      runOnly: { type: 'tag', values },
      resultTypes: ['violations'],
    });
    return found.violations.flatMap(({ id, impact, nodes }) =>
      nodes.map(
        ({ html, failureSummary }) => `${id} (${String(impact)}): ${html}\n${String(failureSummary)}`,
      ),
    );
  }, TAGS);
}
