/** Barcode labels to print. */
import { GENERATIONS, type Generation, labelTexts } from '../../labels/label_range.ts';
import { PAPERS, type PaperName, type SheetOptions, sheetSvg, sheets, sheetsHtml } from '../../labels/sheet.ts';
import { h } from '../shared/dom.ts';
import { count } from '../shared/values.ts';
import { saveText } from './choice.ts';

export function labelsView(): HTMLElement {
  const prefix = h('input', { value: 'TAPE', maxlength: 5, autocomplete: 'off', spellcheck: 'false' });
  const start = h('input', { type: 'number', value: 1, min: 0, max: 999_999 });
  const number = h('input', { type: 'number', value: 32, min: 1, max: 10_000 });
  const generation = h(
    'select',
    {},
    GENERATIONS.map((name) => h('option', { value: name }, name)),
  );
  generation.value = 'L8';
  const paper = h(
    'select',
    {},
    Object.entries(PAPERS).map(([name, { description }]) => h('option', { value: name }, description)),
  );
  const colours = h('input', { type: 'checkbox' });
  colours.checked = true;
  const message = h('p', { role: 'status' });
  const sheet = h('div', { class: 'card sheet' });
  const save = h('button', { type: 'button', class: 'primary' }, 'Save for printing');

  const options = (): SheetOptions => ({ paper: paper.value as PaperName, colours: colours.checked });
  const labels = (): string[] =>
    labelTexts({
      prefix: prefix.value.toUpperCase(),
      start: start.valueAsNumber,
      count: Math.min(number.valueAsNumber, 10_000),
      generation: generation.value as Generation,
    });
  const draw = (): void => {
    try {
      const wanted = labels();
      const pages = sheets(wanted, options().paper);
      message.textContent = `${wanted[0]} to ${wanted.at(-1)}: ${count(pages.length, 'sheet')}. Print without scaling (100 %, actual size).`;
      // Capital letters and digits alone get into it; parsed as a picture, it cannot run anything either.
      const picture = new DOMParser().parseFromString(
        sheetSvg(pages[0] ?? [], options()),
        'image/svg+xml',
      ).documentElement;
      picture.setAttribute('role', 'img');
      picture.setAttribute('aria-label', `Sheet of barcode labels from ${wanted[0]}`);
      sheet.replaceChildren(document.importNode(picture, true));
      save.disabled = false;
    } catch (error) {
      message.textContent = error instanceof Error ? error.message : String(error);
      sheet.replaceChildren();
      save.disabled = true;
    }
  };
  for (const control of [prefix, start, number, generation, paper, colours]) control.addEventListener('input', draw);
  save.addEventListener('click', () => saveText('tape-labels.html', 'text/html', sheetsHtml(labels(), options())));
  draw();
  return h(
    'div',
    { class: 'stack' },
    h(
      'div',
      { class: 'heading' },
      h('h1', {}, 'Barcode labels'),
      h('span', { class: 'muted' }, 'Code 39 for LTO cartridges'),
    ),
    h(
      'form',
      { class: 'card form', onsubmit: (event) => event.preventDefault() },
      h('label', {}, 'Prefix', prefix),
      h('label', {}, 'First number', start),
      h('label', {}, 'How many', number),
      h('label', {}, 'Generation', generation),
      h('label', {}, 'Paper', paper),
      h('label', { class: 'check' }, colours, 'Digits on colours'),
      save,
    ),
    message,
    sheet,
  );
}
