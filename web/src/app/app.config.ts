import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { ApplicationConfig, ErrorHandler, provideBrowserGlobalErrorListeners } from '@angular/core';
import {
  provideRouter,
  UrlSerializer,
  withComponentInputBinding,
  withInMemoryScrolling,
  withNavigationErrorHandler,
} from '@angular/router';

import { routes } from './app.routes';
import { waitForConnection } from './kernel/connection';
import { CrashHandler } from './kernel/crash';
import { noticeLostRights } from './kernel/guards';
import { askInLanguage } from './kernel/language';
import { Addresses, recover } from './kernel/navigation';
import { nameChanges } from './kernel/repetition';
import { renewSession } from './kernel/session';
import { followServerTime } from './kernel/time';

export const config: ApplicationConfig = {
  providers: [
    provideBrowserGlobalErrorListeners(),
    { provide: ErrorHandler, useClass: CrashHandler },
    // Angular's defaults send the XSRF-TOKEN cookie as X-XSRF-TOKEN with each unsafe request to a relative URL.
    provideHttpClient(
      withInterceptors([
        askInLanguage,
        nameChanges,
        noticeLostRights,
        waitForConnection,
        renewSession,
        followServerTime,
      ]),
    ),
    { provide: UrlSerializer, useClass: Addresses },
    provideRouter(
      routes,
      withComponentInputBinding(),
      withNavigationErrorHandler(recover),
      withInMemoryScrolling({ scrollPositionRestoration: 'enabled', anchorScrolling: 'enabled' }),
    ),
  ],
};
