import { ApplicationConfig, provideBrowserGlobalErrorListeners } from '@angular/core';
import { provideRouter } from '@angular/router';

export const config: ApplicationConfig = { providers: [provideBrowserGlobalErrorListeners(), provideRouter([])] };
