import { EventStreamReader } from './event-stream';

describe('EventStreamReader', () => {
  it('reads events that arrive in pieces', () => {
    const reader = new EventStreamReader();
    expect(reader.read('retry: 2500\nid: 8a.1\n\nid: 8a.2\nevent: users')).toEqual([]);
    expect([reader.retry, reader.last]).toEqual([2500, '8a.2']);
    expect(reader.read('.updated\ndata: {"a":')).toEqual([]);
    expect(reader.read('1}\n\nevent: bye\ndata: x\ndata:y\n\n')).toEqual([
      { name: 'users.updated', data: '{"a":1}' },
      { name: 'bye', data: 'x\ny' },
    ]);
  });

  it('takes the position of a heartbeat, which is no event', () => {
    const reader = new EventStreamReader();
    expect(reader.read(':\nid: 8a.9\n\n')).toEqual([]);
    expect(reader.last).toBe('8a.9');
    expect(reader.read('retry: soon\n')).toEqual([]);
    expect(reader.retry).toBeNull();
  });
});
