import { BreakpointObserver } from '@angular/cdk/layout';
import { Component, computed, DestroyRef, effect, inject, viewChild } from '@angular/core';
import '../ui/more-icons'; // at once, with this frame
import { toSignal } from '@angular/core/rxjs-interop';
import { MatMenuModule } from '@angular/material/menu';
import { MatDialog } from '@angular/material/dialog';
import { MatSidenav, MatSidenavModule } from '@angular/material/sidenav';
import { Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { map } from 'rxjs';

import { FEATURES } from '../app.features';
import { SECTIONS } from '../kernel/feature';
import { Notices } from '../kernel/notices';
import { Session } from '../kernel/session';
import { Icon } from '../ui/icon';
import { initialOf } from '../ui/initial';
import { Bar } from './bar';
import { Preferences } from './preferences';
import { StreamDot } from './stream-dot';
import { t } from './texts';

/** The frame of pages for a person who is signed in: navigation, search, and the page. */
@Component({
  selector: 'app-shell',
  imports: [
    Bar,
    Icon,
    MatMenuModule,
    MatSidenavModule,
    Preferences,
    RouterLink,
    RouterLinkActive,
    RouterOutlet,
    StreamDot,
  ],
  templateUrl: './shell.html',
  styleUrl: './shell.scss',
  host: { '(document:keydown.control.k)': 'search($event)', '(document:keydown.meta.k)': 'search($event)' },
})
export class Shell {
  private readonly dialogs = inject(MatDialog);
  private readonly notices = inject(Notices);
  protected readonly session = inject(Session);
  protected readonly t = t;
  protected readonly initialOf = initialOf;

  private readonly drawer = viewChild.required(MatSidenav);
  protected readonly narrow = toSignal(
    inject(BreakpointObserver)
      .observe('(max-width: 60rem)')
      .pipe(map(({ matches }) => matches)),
    { initialValue: false },
  );
  protected readonly sections = computed(() => {
    const entries = FEATURES.flatMap((each) => each.navigation ?? []);
    return SECTIONS.filter((each) => each === 'account' || this.session.isSuperuser()).map((name) => ({
      name,
      entries: entries.filter(({ section }) => section === name),
    }));
  });

  private closed = false;

  constructor() {
    // The session may end while a dialog shows something of the person.
    inject(DestroyRef).onDestroy(() => {
      this.closed = true;
      this.dialogs.closeAll();
    });
    const router = inject(Router);
    let before = this.session.isSuperuser();
    effect(() => {
      const now = this.session.isSuperuser();
      if (before && !now && this.session.user()) {
        this.dialogs.closeAll();
        void router.navigateByUrl(router.url, { onSameUrlNavigation: 'reload' }); // the guards decide again
      }
      before = now;
    });
  }

  protected closeDrawer(): void {
    if (this.narrow()) void this.drawer().close();
  }

  protected search(event?: Event): void {
    event?.preventDefault();
    if (this.dialogs.openDialogs.length) return;
    void import('./palette').then(({ Palette }) => {
      if (this.closed || this.dialogs.openDialogs.length) return;
      this.dialogs.open(Palette, {
        width: '36rem',
        maxWidth: '94vw',
        position: { top: '12vh' },
        ariaLabel: t().search,
      });
    });
  }

  protected skip(): void {
    document.querySelector<HTMLElement>('main h1')?.focus();
  }

  protected async signOut(): Promise<void> {
    try {
      await this.session.signOut();
      this.notices.say(t().signedOut);
    } catch (error) {
      this.notices.fail(error);
    }
  }
}
