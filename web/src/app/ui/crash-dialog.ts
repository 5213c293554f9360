import { Component, effect, ElementRef, signal, viewChild } from '@angular/core';

import { crash } from '../kernel/crash';
import { texts } from '../kernel/language';

const t = texts({
  en: {
    error: {
      heading: 'Something went wrong',
      text: 'The application met an error that it did not expect. Reload it; what was saved is not lost.',
    },
    release: {
      heading: 'A new version is available',
      text: 'A part of this version is gone. Reload the application to go on.',
    },
    reload: 'Reload',
    copy: 'Copy details',
    copied: 'Copied',
    details: 'Details',
    dismiss: 'Not now',
  },
  de: {
    error: {
      heading: 'Etwas ist schiefgegangen',
      text: 'In der Anwendung ist ein unerwarteter Fehler aufgetreten. Laden Sie sie neu; was gespeichert war, ist nicht verloren.',
    },
    release: {
      heading: 'Eine neue Version ist verfügbar',
      text: 'Ein Teil dieser Version ist nicht mehr da. Laden Sie die Anwendung neu, um fortzufahren.',
    },
    reload: 'Neu laden',
    copy: 'Details kopieren',
    copied: 'Kopiert',
    details: 'Details',
    dismiss: 'Jetzt nicht',
  },
});

/** Says that an error was not handled, with a reload. It needs no other file, since files may be what is missing. */
@Component({
  selector: 'app-crash-dialog',
  template: `
    <dialog #dialog aria-labelledby="crash-heading" aria-describedby="crash-text" (close)="dismiss()">
      @if (crash(); as crash) {
        <h2 id="crash-heading">{{ t()[crash.kind].heading }}</h2>
        <p id="crash-text">{{ t()[crash.kind].text }}</p>
        @if (crash.kind === 'error') {
          <details>
            <summary>{{ t().details }}</summary>
            <pre tabindex="0">{{ crash.details }}</pre>
          </details>
        }
        <div class="actions">
          <button type="button" class="first" (click)="reload()">{{ t().reload }}</button>
          @if (crash.kind === 'error') {
            <button type="button" (click)="copy(crash.details)">
              {{ copied() ? t().copied : t().copy }}
            </button>
          }
          <button type="button" (click)="dialog.close()">{{ t().dismiss }}</button>
        </div>
      }
    </dialog>
  `,
  styles: `
    dialog {
      inline-size: min(32rem, calc(100vw - 2rem));
      padding: 1.5rem;
      border: 1px solid var(--line);
      border-radius: 0.875rem;
      background: var(--raised);
      color: inherit;
    }
    dialog::backdrop {
      background: rgb(0 0 0 / 0.45);
    }
    p {
      margin-block: 0.5rem 1rem;
      color: var(--quiet);
    }
    summary {
      cursor: pointer;
      font-size: 0.875rem;
    }
    pre {
      max-block-size: 12rem;
      margin-block: 0.5rem 0;
      padding: 0.75rem;
      border-radius: 0.5rem;
      overflow: auto;
      background: var(--mat-sys-surface-container);
      white-space: pre-wrap;
      overflow-wrap: anywhere;
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      gap: 0.5rem;
      margin-block-start: 1.25rem;
    }
    .actions button {
      min-block-size: 2.25rem;
      padding: 0.25rem 1rem;
      border: 1px solid var(--mat-sys-outline);
      border-radius: 0.5rem;
      background: none;
      color: inherit;
      font: inherit;
      font-size: 0.875rem;
      font-weight: 500;
      cursor: pointer;
    }
    .actions .first {
      border-color: transparent;
      background: var(--mat-sys-primary);
      color: var(--mat-sys-on-primary);
    }
  `,
})
export class CrashDialog {
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');
  protected readonly crash = crash;
  protected readonly copied = signal(false);
  protected readonly t = t;

  constructor() {
    effect(() => {
      const { nativeElement } = this.dialog();
      if (crash() && !nativeElement.open) setTimeout(() => nativeElement.showModal()); // after its content is there
    });
  }

  protected async copy(details: string): Promise<void> {
    await navigator.clipboard.writeText(details);
    this.copied.set(true);
  }

  protected dismiss(): void {
    crash.set(null);
    this.copied.set(false);
  }

  protected reload(): void {
    location.reload();
  }
}
