import { Component, computed, ElementRef, inject, signal, viewChild } from '@angular/core';
import { MatDialogRef } from '@angular/material/dialog';
import { Router } from '@angular/router';

import { FEATURES } from '../app.features';
import { LANGUAGES } from '../kernel/language';
import { Notices } from '../kernel/notices';
import { Session } from '../kernel/session';
import { paint, THEMES } from '../kernel/theme';
import { Icon } from '../ui/icon';
import type { IconName } from '../ui/icons';
import { t } from './texts';

interface Command {
  readonly text: string;
  readonly group: string;
  readonly icon: IconName;
  readonly run: () => unknown;
}

/** The command palette: a combobox (WAI-ARIA) over all pages and commands. */
@Component({
  selector: 'app-palette',
  imports: [Icon],
  template: `
    <input
      type="text"
      role="combobox"
      aria-expanded="true"
      aria-controls="commands"
      aria-autocomplete="list"
      autocomplete="off"
      [attr.aria-label]="t().search"
      [attr.aria-activedescendant]="found().length ? 'command-' + active() : null"
      [placeholder]="t().command"
      [value]="words()"
      (input)="type($event)"
      (keydown)="move($event)"
    />
    <ul id="commands" #list role="listbox" [attr.aria-label]="t().search">
      @for (command of found(); track command.text; let index = $index) {
        <li
          role="option"
          [id]="'command-' + index"
          [attr.aria-selected]="index === active()"
          (pointermove)="active.set(index)"
          (click)="run(command)"
          (keydown.enter)="run(command)"
          tabindex="-1"
        >
          <app-icon [name]="command.icon" /><span>{{ command.text }}</span
          ><small>{{ command.group }}</small>
        </li>
      }
    </ul>
    @if (!found().length) {
      <p role="status">{{ t().nothing }}</p>
    }
  `,
  styleUrl: './palette.scss',
})
export class Palette {
  private readonly dialog = inject(MatDialogRef<Palette>);
  private readonly router = inject(Router);
  private readonly session = inject(Session);
  private readonly notices = inject(Notices);
  private readonly list = viewChild.required<ElementRef<HTMLElement>>('list');
  protected readonly t = t;
  protected readonly words = signal('');
  protected readonly active = signal(0);

  private readonly commands = computed<Command[]>(() => [
    ...FEATURES.flatMap((each) => each.navigation ?? [])
      .filter(({ section }) => section === 'account' || this.session.isSuperuser())
      .map(({ text, icon, path, section }) => ({
        text: text(),
        group: t().sections[section],
        icon,
        run: () => this.router.navigateByUrl(path),
      })),
    ...THEMES.map((each) => ({
      text: `${t().theme}: ${t().themes[each]}`,
      group: t().theme,
      icon: 'contrast' as const,
      run: () => paint(each),
    })),
    ...(['en', 'de'] as const).map((each) => ({
      text: `${t().language}: ${LANGUAGES[each]}`,
      group: t().language,
      icon: 'translate' as const,
      run: () => this.session.speak(each),
    })),
    { text: t().signOut, group: t().sections.account, icon: 'logout', run: () => this.session.signOut() },
  ]);
  protected readonly found = computed(() => {
    const words = this.words().toLocaleLowerCase().split(/\s+/).filter(Boolean);
    return this.commands().filter(({ text, group }) => {
      const name = `${text} ${group}`.toLocaleLowerCase();
      return words.every((word) => name.includes(word));
    });
  });

  protected type(event: Event): void {
    this.words.set((event.target as HTMLInputElement).value);
    this.active.set(0);
  }

  protected move(event: KeyboardEvent): void {
    if (event.isComposing) return; // the keys belong to the input method
    const count = this.found().length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && count) {
      event.preventDefault();
      this.active.update((index) => (index + step + count) % count);
      this.list().nativeElement.children[this.active()]?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      const command = this.found()[this.active()];
      if (command) void this.run(command);
    }
  }

  protected async run(command: Command): Promise<void> {
    this.dialog.close();
    try {
      await command.run();
    } catch (error) {
      this.notices.fail(error);
    }
  }
}
