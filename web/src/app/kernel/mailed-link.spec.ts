import { Location } from '@angular/common';
import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';

import { MailedLink, mailedLink } from './mailed-link';

@Component({ template: '' })
class Any {}

it('takes the token out of the address, and each link in the same tab begins again', async () => {
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideRouter([
        { path: 'verify', canActivate: [mailedLink], runGuardsAndResolvers: 'always', component: Any },
      ]),
    ],
  });
  const link = TestBed.inject(MailedLink);
  const harness = await RouterTestingHarness.create();
  const opened = harness.navigateByUrl('/verify#token=first');
  await vi.waitFor(() => TestBed.inject(HttpTestingController).expectOne('/api/auth/session').flush(null));
  await opened;
  expect(TestBed.inject(Location).path(true)).toBe('/verify');
  expect(link.tokenFor('/verify')).toBe('first');
  expect(link.tokenFor('/reset-password')).toBeNull();
  await harness.navigateByUrl('/verify#token=second');
  expect(TestBed.inject(Location).path(true)).toBe('/verify');
  expect(link.tokenFor('/verify')).toBe('second');
  link.forget('/reset-password');
  expect(link.tokenFor('/verify')).toBe('second');
  link.forget('/verify');
  expect(link.tokenFor('/verify')).toBeNull();
});
