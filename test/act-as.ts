/** Acting as another user, for filesystems that ask the kernel who calls. */

interface Who {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

/** Runs with the process's effective credentials changed, until what it gives has settled. Only root can; anybody else stays who they are. */
export function actAs<R>({ uid, gid, groups = [] }: Who, run: () => R): R {
  if (process.geteuid?.() !== 0) return run();
  const before = process.getgroups?.() ?? [];
  process.setgroups?.([...groups]);
  process.setegid?.(gid);
  process.seteuid?.(uid);
  const back = (): void => {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(before);
  };
  let result: R;
  try {
    result = run();
  } catch (thrown) {
    back();
    throw thrown;
  }
  if (result instanceof Promise) return result.finally(back) as R;
  back();
  return result;
}
