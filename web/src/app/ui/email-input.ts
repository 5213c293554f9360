import { Directive, ElementRef, inject } from '@angular/core';

/**
 * A field for an e-mail address: `<input app-email [formField]="form.email" />`. It is no `type="email"`, of which
 * browsers return an international domain in punycode. Spaces around the address are removed, as they do there.
 */
@Directive({
  selector: 'input[app-email]',
  host: { type: 'text', inputmode: 'email', autocapitalize: 'none', spellcheck: 'false' },
})
export class EmailInput {
  constructor() {
    const element = inject<ElementRef<HTMLInputElement>>(ElementRef).nativeElement;
    const trim = () => {
      const text = element.value.trim();
      if (text !== element.value) element.value = text;
    };
    element.addEventListener('input', trim, { capture: true }); // before the form reads it
  }
}
