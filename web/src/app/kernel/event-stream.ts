/** A server-sent event (HTML Living Standard, §9.2). */
export interface Sent {
  readonly name: string;
  readonly data: string;
}

/** Reads server-sent events from text that arrives in pieces. */
export class EventStreamReader {
  /** The id with which the stream resumes. */
  last: string | null = null;
  /** Milliseconds to wait before a reconnection. */
  retry: number | null = null;
  private rest = '';
  private name = '';
  private data: string[] = [];

  /** Return the events that are complete with this piece. */
  read(piece: string): Sent[] {
    const lines = (this.rest + piece).split('\n');
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.take(line) ?? []);
  }

  private take(line: string): Sent | undefined {
    if (line === '') return this.dispatch();
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (value === undefined) return undefined;
    if (field === 'event') this.name = value;
    else if (field === 'data') this.data.push(value);
    else if (field === 'id') this.last = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    return undefined;
  }

  private dispatch(): Sent | undefined {
    const sent = this.data.length ? { name: this.name, data: this.data.join('\n') } : undefined;
    this.name = '';
    this.data = [];
    return sent;
  }
}
