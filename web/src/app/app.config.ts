import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { ApplicationConfig, ErrorHandler, provideBrowserGlobalErrorListeners } from '@angular/core';
import {
  provideRouter,
  withComponentInputBinding,
  withInMemoryScrolling,
  withNavigationErrorHandler,
} from '@angular/router';

import { routes } from './app.routes';
import { waitForConnection } from './kernel/connection';
import { CrashHandler, noteFailure } from './kernel/crash';
import { renewSession } from './kernel/session';

export const config: ApplicationConfig = {
  providers: [
    provideBrowserGlobalErrorListeners(),
    { provide: ErrorHandler, useClass: CrashHandler },
    // Angular's defaults send the XSRF-TOKEN cookie as X-XSRF-TOKEN with each unsafe request to a relative URL.
    provideHttpClient(withInterceptors([renewSession, waitForConnection])),
    provideRouter(
      routes,
      withComponentInputBinding(),
      withNavigationErrorHandler(noteFailure),
      withInMemoryScrolling({ scrollPositionRestoration: 'enabled', anchorScrolling: 'enabled' }),
    ),
  ],
};
