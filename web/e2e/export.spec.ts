import { readFile } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';

import { expect, test } from './fixtures';

/** The files of a ZIP file, read as its central directory lists them. */
function unzip(zip: Buffer): Map<string, string> {
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const files = new Map<string, string>();
  let at = zip.readUInt32LE(end + 16);
  for (let count = zip.readUInt16LE(end + 10); count > 0; count -= 1) {
    const [length, name, extra, comment] = [20, 28, 30, 32].map((offset) =>
      offset === 20 ? zip.readUInt32LE(at + offset) : zip.readUInt16LE(at + offset),
    ) as [number, number, number, number];
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const content = inflateRawSync(zip.subarray(start, start + length)).toString();
    files.set(zip.toString('utf8', at + 46, at + 46 + name), content);
    at += 46 + name + extra + comment;
  }
  return files;
}

test('a person downloads their own data, and another account cannot', async ({
  page,
  people,
  mailbox,
  newDevice,
  signIn,
}) => {
  const person = await people.open({ name: 'Ada Lovelace' });
  const other = await people.open();
  await signIn(person);
  await page.goto('/account/leave');
  await page.getByRole('link', { name: 'Download your data' }).click();
  await expect(page.getByRole('heading', { name: 'No copy yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Request a copy' }).click();
  const { text } = await mailbox.subject(person.email, /Your data is ready/);
  const link = /http\S+\/account\/data/.exec(text)?.[0] ?? '';
  await page.goto(link);
  await expect(page.getByText('Ready', { exact: true })).toBeVisible();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: /^Download the copy/ }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^personal-data-\d{4}-\d\d-\d\d\.zip$/);
  const files = unzip(await readFile(await download.path()));
  const account = JSON.parse(files.get('account.json') ?? '') as { email: string; name: string }[];
  expect(account.map(({ email, name }) => [email, name])).toEqual([[person.email, 'Ada Lovelace']]);
  expect(files.get('README.txt')).toContain('activity.json:');
  expect([...files.values()].join('\n')).not.toContain(other.email);
  const device = await newDevice();
  await signIn(other, device);
  expect((await device.request.get(new URL(download.url()).pathname)).status()).toBe(404);
});
