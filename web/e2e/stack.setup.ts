import { RunningStack } from './stack';

/** Start the stack of all tests. Playwright calls the returned function at the end. */
export default async function setUp(): Promise<() => Promise<void>> {
  const running = await RunningStack.start('stack');
  process.env['STACK'] = JSON.stringify(running.stack); // for the workers
  return () => running.stop();
}
