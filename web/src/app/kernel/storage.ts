/** Values of one page, in place of a storage that the browser refuses. */
class Memory implements Storage {
  private readonly values = new Map<string, string>();
  get length(): number {
    return this.values.size;
  }
  key(index: number): string | null {
    return [...this.values.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }
  removeItem(key: string): void {
    this.values.delete(key);
  }
  clear(): void {
    this.values.clear();
  }
}

function works(name: 'localStorage' | 'sessionStorage'): boolean {
  try {
    window[name].setItem('probe', '');
    window[name].removeItem('probe');
    return true;
  } catch {
    return false; // blocked by a setting, or full
  }
}

// Each file that uses a storage imports this one: a browser that refuses storage must not show a blank page.
for (const name of ['localStorage', 'sessionStorage'] as const) {
  if (!works(name)) Object.defineProperty(window, name, { value: new Memory() });
}
