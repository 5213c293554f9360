import { DOCUMENT } from '@angular/common';
import { Component, inject, input } from '@angular/core';

import { LANGUAGES } from '../kernel/language';
import { MAIL_WORDS } from './send-texts';

/** A notification as its mail shows it, in each language. */
@Component({
  selector: 'app-send-preview',
  template: `
    @for (language of languages; track language) {
      @let words = WORDS[language];
      <article class="card" [attr.lang]="language" [attr.aria-labelledby]="'preview-' + language">
        <h3 [id]="'preview-' + language" class="quiet small">{{ LANGUAGES[language] }}</h3>
        <p class="subject" [class.quiet]="!subject()">{{ subject() || words.subject }}</p>
        <p class="text" [class.quiet]="!text()">{{ text() || words.text }}</p>
        @if (link()) {
          <p>
            <span class="open">{{ words.open }}</span>
          </p>
        }
        <p class="note quiet small">
          {{ words.why(application) }}<br /><span class="stop">{{ words.stop }}</span>
        </p>
      </article>
    }
  `,
  styles: `
    :host {
      display: grid;
      gap: 1rem;
    }
    .card {
      display: grid;
      gap: 0.75rem;
      padding: 1rem 1.25rem;
      overflow-wrap: anywhere;
    }
    .subject {
      font-weight: 600;
    }
    .text {
      max-block-size: 16rem;
      overflow: auto;
      font-size: 0.875rem;
      white-space: pre-line;
    }
    .open,
    .stop {
      color: var(--mat-sys-primary);
      text-decoration: underline;
    }
    .note {
      padding-block-start: 0.75rem;
      border-block-start: 1px solid var(--line);
    }
  `,
})
export class SendPreview {
  readonly subject = input.required<string>();
  readonly text = input.required<string>();
  readonly link = input.required<string>();

  protected readonly LANGUAGES = LANGUAGES;
  protected readonly WORDS = MAIL_WORDS;
  protected readonly languages = ['en', 'de'] as const;
  protected readonly application = inject(DOCUMENT).location.origin;
}
