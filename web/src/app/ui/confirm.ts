import { Component, inject, Injectable } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialog, MatDialogModule } from '@angular/material/dialog';
import { firstValueFrom } from 'rxjs';

import { t } from './texts';

interface Question {
  readonly title: string;
  readonly text: string;
  /** The label of the button that confirms: a verb. */
  readonly action: string;
  readonly danger?: boolean;
}

@Component({
  selector: 'app-confirmation',
  imports: [MatButton, MatDialogModule],
  template: `
    <h2 mat-dialog-title>{{ question.title }}</h2>
    <mat-dialog-content
      ><p>{{ question.text }}</p></mat-dialog-content
    >
    <mat-dialog-actions align="end">
      <button mat-button type="button" mat-dialog-close>{{ t().cancel }}</button>
      <button mat-flat-button type="button" [class.danger]="question.danger" [mat-dialog-close]="true">
        {{ question.action }}
      </button>
    </mat-dialog-actions>
  `,
  styles: 'p { overflow-wrap: anywhere; }',
})
class Confirmation {
  protected readonly question = inject<Question>(MAT_DIALOG_DATA);
  protected readonly t = t;
}

/** Ask before what cannot be undone. Where an action can be undone, do it and offer that instead (`Notices.offer`). */
@Injectable({ providedIn: 'root' })
export class Confirm {
  private readonly dialogs = inject(MatDialog);

  async ask(data: Question): Promise<boolean> {
    const dialog = this.dialogs.open(Confirmation, { data, maxWidth: '28rem' });
    return (await firstValueFrom(dialog.afterClosed())) === true;
  }
}
