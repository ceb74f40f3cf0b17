/** Arrow keys go from link to link in a list; Backspace goes up. */

export function arrowKeys(list: HTMLElement, goUp: () => void): void {
  list.addEventListener('keydown', (event) => {
    const links = [...list.querySelectorAll<HTMLElement>('a, button, input')];
    const at = links.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (event.key === 'Backspace') goUp();
    else if (next === undefined) return;
    else links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
    event.preventDefault();
  });
}
