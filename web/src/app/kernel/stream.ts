import { inject, Injectable } from '@angular/core';

import type { Change, OwnEvent } from '../api/models';
import { EventStreamReader, type Sent } from './event-stream';
import { type Happening, Live } from './live';
import { Session } from './session';

const URL = '/api/events';
const SILENCE = 45_000; // ms; the server sends something every 15 s
const STALE = 20_000; // ms without a byte after which a page that comes into sight connects again
const HOLD = 1500; // ms
const LONGEST = 30_000; // ms between two attempts
const LONGEST_REFUSAL = 3_600_000; // ms; that of a quota may last a month, which timers do not measure

type State = 'off' | 'connecting' | 'connected';
type News =
  | { readonly kind: 'happening'; readonly happening: Happening | null; readonly last: string | null }
  | { readonly kind: 'state'; readonly state: State; readonly last: string | null }
  | { readonly kind: 'ask' };

/**
 * The stream of the server, one for all tabs of a browser, which has six connections to a server over HTTP/1.1. A Web
 * Lock elects the tab that reads it; a BroadcastChannel passes its events to the others. When that tab is closed,
 * another one continues after the last event that both know.
 */
@Injectable({ providedIn: 'root' })
export class Stream {
  private readonly live = inject(Live);
  private readonly session = inject(Session);
  private last: string | null = null;
  private running: AbortController | undefined;

  /** Follow what happens to a person, until the returned function is called. */
  start(userId: string): () => void {
    const resume = ({ persisted }: PageTransitionEvent) => {
      if (!persisted) return;
      // A page that the browser shows again may be of a session that has ended.
      void this.session.recheck(true).then(() => {
        if (this.session.user()?.id === userId) this.run(userId);
      });
    };
    const pause = () => this.running?.abort();
    // A page with a connection cannot be kept for a return to it.
    addEventListener('pagehide', pause);
    addEventListener('pageshow', resume);
    this.run(userId);
    return () => {
      removeEventListener('pagehide', pause);
      removeEventListener('pageshow', resume);
      pause();
      this.last = null;
    };
  }

  private run(userId: string): void {
    if (this.running && !this.running.signal.aborted) return;
    const stop = (this.running = new AbortController());
    const { signal } = stop;
    const name = `events ${userId}`;
    const tabs = new BroadcastChannel(name);
    let leads = false;
    signal.addEventListener('abort', () => tabs.close());
    const tell = (news: News) => {
      if (!signal.aborted) tabs.postMessage(news);
    };
    tabs.addEventListener('message', ({ data }: MessageEvent<News>) => {
      if (data.kind === 'ask') {
        if (leads) tell({ kind: 'state', state: this.live.state(), last: this.last });
      } else if (data.kind === 'happening') {
        this.last = data.last;
        this.live.announce(data.happening);
      } else this.follow(data.state, data.last);
    });
    this.live.state.set('connecting');
    tell({ kind: 'ask' });
    const lead = async () => {
      leads = true;
      await new Connection(this.live, this.session, signal, this.last, (state, last, happening) => {
        this.last = last;
        if (state !== this.live.state() || happening === undefined) {
          this.live.state.set(state);
          tell({ kind: 'state', state, last });
        }
        if (happening === undefined) return;
        this.live.announce(happening);
        tell({ kind: 'happening', happening, last });
      }).keep();
    };
    // Web Locks need HTTPS or localhost, as the cookies of a session do.
    navigator.locks.request(name, { signal }, lead).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  private follow(state: State, last: string | null): void {
    const isFirst = this.last === null && state === 'connected';
    this.last = last;
    this.live.state.set(state);
    if (isFirst) this.live.announce(null); // the page may have been read before
  }
}

/** Called with the state, the id of the last event, and what happened, if anything. */
type Tell = (state: State, last: string | null, happening?: Happening | null) => void;

/** The connection to the server, which is made again whenever it ends. */
class Connection {
  private heard = 0;
  private retry = 5000;
  private failures = 0;
  private abort: () => void = () => undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly live: Live,
    private readonly session: Session,
    private readonly signal: AbortSignal,
    private last: string | null,
    private readonly tell: Tell,
  ) {}

  async keep(): Promise<void> {
    const { signal } = this;
    signal.addEventListener('abort', () => {
      this.abort();
      this.wake();
    });
    addEventListener('online', () => this.revive(0), { signal });
    document.addEventListener('visibilitychange', () => this.revive(STALE), { signal });
    while (!signal.aborted && this.session.user()) {
      const pause = await this.connect();
      await this.sleep(pause);
    }
  }

  /** Connect again if nothing was heard for some time, or at once if no connection is open. */
  private revive(silence: number): void {
    if (document.visibilityState !== 'visible') return;
    if (Date.now() - this.heard > silence) this.abort();
    this.wake();
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) {
        resolve();
        return;
      }
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Read the stream until it ends. Return the milliseconds until the next attempt. */
  private async connect(): Promise<number> {
    const end = new AbortController();
    this.abort = () => end.abort();
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      this.heard = Date.now();
      clearTimeout(watchdog);
      watchdog = setTimeout(this.abort, SILENCE);
    };
    try {
      listen();
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (this.last !== null) headers['Last-Event-ID'] = this.last;
      const response = await fetch(URL, { headers, cache: 'no-store', signal: end.signal });
      if (!response.ok || !response.body) return await this.refused(response);
      return await this.readAll(response.body, listen);
    } catch {
      return this.lost(); // the server or the network is away
    } finally {
      clearTimeout(watchdog);
      end.abort();
    }
  }

  private async readAll(body: ReadableStream<Uint8Array<ArrayBuffer>>, listen: () => void): Promise<number> {
    const isFirst = this.last === null;
    const events = new EventStreamReader();
    const pieces = body.pipeThrough(new TextDecoderStream()).getReader();
    let isOpen = false;
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return this.lost();
      listen();
      const found = events.read(value);
      this.retry = events.retry ?? this.retry;
      this.last = events.last ?? this.last;
      if (!isOpen && this.last !== null) {
        isOpen = true;
        this.failures = 0;
        this.tell('connected', this.last, isFirst ? null : undefined); // null: pages were read before
      }
      for (const sent of found) {
        if (sent.name === 'bye') return await this.ended(reasonOf(sent));
        this.pass(sent);
      }
      if (!found.length) this.tell('connected', this.last);
    }
  }

  /** Pass an event on. When a session ends it may be this one, which the server says next: pages must not read first. */
  private pass(sent: Sent): void {
    const happening =
      sent.name === 'resync' ? null : sent.name === 'changed' ? hintOf(sent) : happeningOf(sent);
    if (happening?.type !== 'sessions.ended' || !happening.own) {
      this.tell('connected', this.last, happening);
      return;
    }
    setTimeout(() => {
      if (this.session.user()) this.tell(this.live.state(), this.last, happening);
    }, HOLD);
  }

  /** Return when to connect again after the server has ended the stream. */
  private async ended(reason: string): Promise<number> {
    if (reason === 'too_many') {
      this.tell('off', this.last);
      return this.retry;
    }
    this.tell('connecting', this.last);
    if (reason === 'age') return 1;
    if (reason === 'signed_out') return this.askWhetherItGoesOn();
    if (reason !== 'expired' && reason !== 'changed') return this.retry;
    await this.session.recheck(); // renews the session, and notes new rights
    return 1;
  }

  /** A change of password replaces the session, and its cookies. Otherwise it is over. */
  private async askWhetherItGoesOn(): Promise<number> {
    if (await this.session.goesOn()) return 1;
    this.session.end();
    return 0;
  }

  private async refused(response: Response): Promise<number> {
    this.tell('connecting', this.last);
    if (response.status === 401) {
      const { code } = (await response.json()) as { code: string };
      if (code !== 'TOKEN_EXPIRED') return this.askWhetherItGoesOn();
      await this.session.recheck();
      if (this.failures++ === 0) return 1;
    }
    const wait = 1000 * Number(response.headers.get('Retry-After') ?? 0);
    return Math.max(Math.min(wait, LONGEST_REFUSAL), this.lost());
  }

  private lost(): number {
    this.tell('connecting', this.last);
    const longer = Math.min(LONGEST, this.retry * 2 ** this.failures++);
    return this.failures === 1 ? this.retry : longer * (0.5 + Math.random() / 2);
  }
}

function reasonOf({ data }: Sent): string {
  return (JSON.parse(data) as { reason: string }).reason;
}

function hintOf({ data }: Sent): Happening {
  const { name } = JSON.parse(data) as { name: string };
  return { type: name, isHint: true, id: '', userId: null, own: false, data: {} };
}

function happeningOf({ data }: Sent): Happening {
  const sent = JSON.parse(data) as OwnEvent | Change;
  const { type, id } = sent;
  if (sent.scope === 'all') return { type, isHint: false, id, userId: sent.user_id, own: false, data: {} };
  const fields: Readonly<Record<string, unknown>> = sent.data;
  const userId = fields['user_id'];
  return {
    type,
    isHint: false,
    id,
    userId: typeof userId === 'string' ? userId : null,
    own: true,
    data: fields,
  };
}
