import { ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const PYTHON = join(ROOT, '.venv/bin/python');
export const RESULTS = join(import.meta.dirname, '../test-results');
/** All tests have one address. */
export const UNLIMITED = {
  RATE_LIMIT_ANONYMOUS: 'off',
  RATE_LIMIT_SIGNED_IN: 'off',
  RATE_LIMIT_CREDENTIALS: 'off',
};
const READY = 'Ctrl-C stops everything';
const START_MS = 180_000;

/** An account and its password. */
export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** Addresses of a running stack, and a superuser of it. */
export interface Stack {
  readonly url: string;
  readonly mailbox: string;
  /** The folder of its data. */
  readonly data: string;
  readonly root: Credentials;
}

/** PostgreSQL, Redis, Kafka, mailbox, web and worker, as `make run` starts them, with data of their own. */
export class RunningStack {
  readonly stack: Stack;

  private constructor(
    private readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly log: string,
    private process: ChildProcess,
  ) {
    const { web_url: url, mail_url: mailbox } = JSON.parse(
      readFileSync(join(folder, 'services.json'), 'utf8'),
    ) as { web_url: string; mail_url: string };
    this.stack = {
      url,
      mailbox,
      data: folder,
      root: { email: 'root@example.com', password: 'battery staple of the root' },
    };
  }

  /** Start a stack that serves web/dist, and wait until it is ready. Its output goes to test-results/NAME.log. */
  static async start(name: string, settings: NodeJS.ProcessEnv = {}): Promise<RunningStack> {
    const folder = mkdtempSync(join(tmpdir(), 'e2e-'));
    const port = execFileSync(PYTHON, ['-c', 'from dev.ports import free_port; print(free_port())'], {
      cwd: ROOT,
    });
    const environment = {
      ...process.env,
      PORT: String(port).trim(),
      DATA_DIR: folder,
      WEB_DIR: 'web/dist',
      ...UNLIMITED,
      ...settings,
    };
    const log = join(RESULTS, `${name}.log`);
    mkdirSync(join(log, '..'), { recursive: true });
    const running = new RunningStack(folder, environment, log, await run(environment, log));
    running.execute(['-m', 'api.superuser', running.stack.root.email], `${running.stack.root.password}\n`);
    return running;
  }

  /** Run Python with the environment of the stack's processes, in the folder of the project. */
  execute(command: readonly string[], input = ''): void {
    const env = { ...this.environment, PYTHONPATH: ROOT };
    execFileSync(PYTHON, ['-m', 'dev', 'exec', PYTHON, ...command], { cwd: ROOT, env, input });
  }

  /** Stop everything, and start it again at the same addresses, with the same data. */
  async restart(): Promise<void> {
    await this.halt();
    await this.resume();
  }

  /** Stop everything, and keep the data for `resume`. */
  async halt(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await ended;
  }

  /** Start everything again after `halt`. */
  async resume(): Promise<void> {
    this.process = await run(this.environment, this.log);
  }

  /** Stop everything, and delete the data. */
  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.folder, { recursive: true });
  }
}

async function run(env: NodeJS.ProcessEnv, log: string): Promise<ChildProcess> {
  // The kernel ends the stack when this process is killed.
  const command = ['--pdeathsig', 'TERM', '--', PYTHON, '-m', 'dev', 'run'];
  const started = spawn('setpriv', command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The stack ${why}:\n${output}`));
    const late = setTimeout(() => {
      fail('is not ready');
      started.kill('SIGTERM');
    }, START_MS);
    const read = (data: Buffer) => {
      appendFileSync(log, data);
      if (output.includes(READY)) return;
      output += data.toString();
      if (!output.includes(READY)) return;
      clearTimeout(late);
      resolve();
    };
    started.stdout.on('data', read);
    started.stderr.on('data', read);
    started.on('exit', (status) => {
      clearTimeout(late);
      fail(`ended with status ${status}`);
    });
  });
  return started;
}
