import { expect, test } from './fixtures';

test('faults of a page are found', async ({ page, watch }) => {
  await page.goto('/sign-in');
  await page.evaluate(() => {
    console.error('a message');
    setTimeout(() => {
      throw new Error('an exception');
    });
    const image = new Image();
    image.src = 'http://127.0.0.1:9/image.png'; // the policy allows no other host
    document.body.append(image);
    try {
      document.body.innerHTML = '<p>text</p>';
    } catch {
      // Trusted Types refuse it
    }
  });
  await page.goto('http://127.0.0.1:9/').catch(() => undefined);
  for (const kind of [
    /^console: a message/,
    /Error: an exception/, // which Angular writes to the console
    /^console: securitypolicyviolation img-src/,
    /^console: securitypolicyviolation require-trusted-types-for/,
    /^request to another host: http:\/\/127\.0\.0\.1:9\/$/,
  ]) {
    await expect.poll(() => watch.found().some((fault) => kind.test(fault)), kind.source).toBe(true);
  }
  watch.expect(/./);
});
