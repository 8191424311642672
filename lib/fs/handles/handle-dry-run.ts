/**
 * The dry run of a method of `FileHandle`: asking the running Node whether it takes some arguments (`../dry-run.ts`).
 *
 * The question goes to one of Node's own FileHandles, over a descriptor that is never open: each method checks its
 * arguments and then fails, since there is no file.
 */

import { isOfSystem, takeEmptyHandle } from '../dry-run.ts';

type Methods = Readonly<Record<string, ((...args: unknown[]) => Promise<unknown>) | undefined>>;

/**
 * Rejects as Node's method does when it is given such arguments. If Node takes them, the result is undefined; or it is
 * Node's answer, where Node gives one without a look at the file.
 */
export async function dryRunHandle(
  method: string,
  args: readonly unknown[],
): Promise<{ readonly value: unknown } | undefined> {
  try {
    const handle = (await takeEmptyHandle()) as Methods;
    return { value: await handle[method]?.(...args) };
  } catch (error) {
    if (!isOfSystem(error)) throw error;
    return undefined;
  }
}
