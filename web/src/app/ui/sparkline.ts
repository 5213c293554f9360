import { Component, computed, input } from '@angular/core';

const WIDTH = 120;
const HEIGHT = 28;

/** The course of a number as a small line. `label` says it in words. */
@Component({
  selector: 'app-sparkline',
  template: `
    <svg
      role="img"
      preserveAspectRatio="none"
      [attr.viewBox]="'0 0 ' + WIDTH + ' ' + HEIGHT"
      [attr.aria-label]="label()"
    >
      <path class="area" [attr.d]="area()" />
      <path class="line" [attr.d]="line()" />
    </svg>
  `,
  styles: `
    :host {
      display: block;
      block-size: 1.75rem;
      color: var(--mat-sys-primary);
    }
    svg {
      display: block;
      border-block-end: 1px solid var(--line);
      inline-size: 100%;
      block-size: 100%;
      overflow: visible;
    }
    .line {
      fill: none;
      stroke: currentColor;
      stroke-width: 1.5;
      vector-effect: non-scaling-stroke;
    }
    .area {
      fill: currentColor;
      opacity: 0.12;
    }
  `,
})
export class Sparkline {
  readonly values = input.required<readonly number[]>();
  /** Values that fill the width; fewer stand at the right edge. */
  readonly length = input(60);
  readonly label = input.required<string>();
  protected readonly WIDTH = WIDTH;
  protected readonly HEIGHT = HEIGHT;

  private readonly points = computed(() => {
    const values = this.values();
    const highest = Math.max(1, ...values);
    const step = WIDTH / (this.length() - 1);
    const first = WIDTH - step * (values.length - 1);
    return values.map((value, index) => {
      const x = first + index * step;
      const y = HEIGHT - 1 - (value / highest) * (HEIGHT - 3);
      return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });
  });
  protected readonly line = computed(() => (this.points().length ? `M${this.points().join('L')}` : ''));
  protected readonly area = computed(() => {
    const [first] = this.points();
    return first ? `${this.line()}V${HEIGHT}H${first.split(' ')[0] ?? '0'}Z` : '';
  });
}
