import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test as base } from './fixtures';
import { WebProcess } from './server';

// Applications of Angular's command line, which know nothing of this server, served as WEB_DIR.

const MODULES = join(import.meta.dirname, '../node_modules');
const OPTIONS = '--skip-install --skip-git --defaults --ssr=false --ai-config=none'.split(' ');
const NAME = 'stock';
const AS_PAGE = { headers: { accept: 'text/html' } };

interface Fixtures {
  /** Whether it has a page beside the one that `ng new` makes. */
  readonly paged: boolean;
  /** The folder of its build. */
  readonly built: string;
}

const test = base.extend<Fixtures>({
  paged: [false, { option: true }],
  built: async ({ paged }, use) => {
    const parent = await mkdtemp(join(tmpdir(), 'e2e-stock-'));
    await symlink(MODULES, join(parent, 'node_modules'));
    await ng(parent, 'new', NAME, ...OPTIONS);
    if (paged) await addPage(join(parent, NAME));
    await ng(join(parent, NAME), 'build');
    await use(join(parent, NAME, 'dist', NAME));
    await rm(parent, { recursive: true });
  },
  baseURL: async ({ stack, built }, use, { workerIndex }) => {
    const web = await WebProcess.start(stack, `stock-${String(workerIndex)}`, { WEB_DIR: built });
    await use(web.url);
    await web.kill();
  },
});

test.setTimeout(240_000); // for the build

test('an unmodified application of `ng new` works, also with deep links', async ({
  page,
  request,
  built,
  watch,
}) => {
  watch.expect(/NG0?4002/); // it has no routes, so that its router matches `/` only
  for (const path of ['/', '/users/ada@example.com', '/x/1.2.3', '/reports/2026?from=a.b#part']) {
    expect((await page.goto(path))?.status()).toBe(200);
    await expect(page.getByRole('heading', { name: 'Hello, stock' })).toBeVisible();
    await expect(page.locator('.content')).toHaveCSS('display', 'flex'); // by a <style> of the component
  }
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Hello, stock' })).toBeVisible();
  const index = await readFile(join(built, 'browser/index.html'), 'utf8');
  const script = await request.get(`/${/src="(main-\w+\.js)"/.exec(index)?.[1] ?? ''}`);
  expect(script.headers()['cache-control']).toContain('immutable');
  expect(script.headers()['content-encoding']).toBeTruthy();
  for (const path of ['/main-AAAAAAAA.js', '/users/chunk-AAAAAAAA.js', '/missing.css'])
    expect((await request.get(path, AS_PAGE)).status(), path).toBe(404);
  const unknown = await request.get('/api/unknown', AS_PAGE);
  expect(unknown.status()).toBe(404);
  expect(unknown.headers()['content-type']).toContain('json');
});

test.describe('with a lazy page', () => {
  test.use({ paged: true });

  test('it works by links and by deep links, with the styles of its components', async ({ page }) => {
    await page.goto('/users/ada@example.com');
    const shown = page.getByText('card works!');
    await expect(shown).toHaveCSS('color', 'rgb(1, 2, 3)');
    await page.reload();
    await expect(shown).toHaveCSS('color', 'rgb(1, 2, 3)');
    await page.goto('/');
    await page.getByRole('link', { name: 'A card' }).click();
    await expect(page).toHaveURL('/users/1.2.3');
    await expect(shown).toHaveCSS('color', 'rgb(1, 2, 3)');
  });
});

/** Add a component with styles of its own, at an address with a parameter. */
async function addPage(project: string): Promise<void> {
  await ng(project, 'generate', 'component', 'card', '--inline-style');
  const component = join(project, 'src/app/card/card.ts');
  const source = await readFile(component, 'utf8');
  await writeFile(component, source.replace(/styles: (``|'')/, "styles: 'p { color: rgb(1, 2, 3); }'"));
  const route = "[{ path: 'users/:id', loadComponent: () => import('./card/card').then((m) => m.Card) }]";
  const routes = join(project, 'src/app/app.routes.ts');
  await writeFile(routes, (await readFile(routes, 'utf8')).replace('[]', route));
  const app = join(project, 'src/app/app');
  const code = (await readFile(`${app}.ts`, 'utf8')).replaceAll('RouterOutlet', 'RouterOutlet, RouterLink');
  await writeFile(`${app}.ts`, code);
  await appendFile(`${app}.html`, '<a routerLink="/users/1.2.3">A card</a>\n');
}

async function ng(folder: string, ...command: string[]): Promise<void> {
  const cli = join(folder, command[0] === 'new' ? '.' : '..', 'node_modules/@angular/cli/bin/ng.js');
  // Behind the link, it would find that it is in a workspace, and refuse `new`.
  const options = ['--preserve-symlinks', '--preserve-symlinks-main', cli, ...command];
  const env = { ...process.env, NG_CLI_ANALYTICS: 'false', CI: 'true' };
  await promisify(execFile)(process.execPath, options, { cwd: folder, env });
}
