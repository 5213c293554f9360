import { bootstrapApplication } from '@angular/platform-browser';

import { App } from './app/app';
import { config } from './app/app.config';

bootstrapApplication(App, config).catch((error: unknown) => {
  console.error(error);
  // Nothing of the application runs, so that only this is left to say.
  document.body.textContent = 'The application could not be started. Reload the page.';
});
