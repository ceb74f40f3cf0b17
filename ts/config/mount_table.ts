/** The kernel's table of mounts, /proc/self/mountinfo. */

/** Blanks, tabs, newlines and backslashes stand there as octal escapes. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Whether the file system visible at `path` comes from `device` (a resolved path such as `/dev/sdb1`). */
export function isMountedFrom(mountinfo: string, path: string, device: string): boolean {
  // The last mount on a directory hides the earlier ones.
  const top = mountinfo.split('\n').findLast((line) => unescaped(line.split(' ')[4] ?? '') === path);
  const [, source] = / - \S+ (\S+)/.exec(top ?? '') ?? [];
  return source !== undefined && unescaped(source) === device;
}
