import { reportPage } from './page';

it('has a title of one line that shows what a name hides', () => {
  const page = reportPage('a\u202eb\n<script>', 'about', []);
  const [, title] = /<title>(.*)<\/title>/.exec(page)!;
  expect(page).toContain(`<h1>${title}</h1>`);
  expect(title).not.toMatch(/[\u202e\n<]/);
  expect(title).toContain('&lt;script&gt;');
});
