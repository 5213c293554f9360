import { initialOf } from './initial';

it.each([
  ['Ada', 'A'],
  ['😀 Ada', '😀'],
  ['e\u0301mile', 'E\u0301'],
  [null, 'R'],
])('the initial of %s is %s', (name, initial) => {
  expect(initialOf({ name, email: 'root@example.com' })).toBe(initial);
});
