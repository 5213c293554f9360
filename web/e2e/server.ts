import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';

import { PYTHON, RESULTS, ROOT, type Stack, UNLIMITED } from './stack';

const START_MS = 60_000;

/** A web process of its own on the services of a stack, which a test may kill. */
export class WebProcess {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly environment: NodeJS.ProcessEnv,
    private readonly name: string,
    readonly url: string,
  ) {}

  /** Start one at a free port, and wait until it answers. Its output goes to test-results/NAME.log. */
  static async start(stack: Stack, name: string, settings: NodeJS.ProcessEnv = {}): Promise<WebProcess> {
    const port = execFileSync(PYTHON, ['-c', 'from dev.ports import free_port; print(free_port())'], {
      cwd: ROOT,
    });
    const url = `http://localhost:${String(port).trim()}`;
    const environment = { ...process.env, ...UNLIMITED, ...settings, DATA_DIR: stack.data, PUBLIC_URL: url };
    const started = new WebProcess(environment, name, url);
    await started.again();
    return started;
  }

  /** Start it again at the same address. */
  async again(): Promise<void> {
    const log = openSync(join(RESULTS, `${this.name}.log`), 'a');
    const port = `PORT=${new URL(this.url).port}`; // `dev exec` sets that of the stack
    const command = ['-m', 'dev', 'exec', 'env', port, PYTHON, '-m', 'api'];
    // The kernel ends it when this process is killed.
    const started = spawn('setpriv', ['--pdeathsig', 'KILL', '--', PYTHON, ...command], {
      cwd: ROOT,
      env: this.environment,
      stdio: ['ignore', log, log],
    });
    this.process = started;
    for (const end = Date.now() + START_MS; ;) {
      const answer = await fetch(`${this.url}/api/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      if (started.exitCode !== null || Date.now() > end)
        throw new Error(`The web process does not answer; see ${this.name}.log`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** End it at once, in the midst of what it does. */
  async kill(): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const ended = once(process, 'exit');
    process.kill('SIGKILL');
    await ended;
  }
}
