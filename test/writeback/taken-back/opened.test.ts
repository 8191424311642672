// W7: who opens a file that the upper refuses to make or to empty has nothing open.

import { Volume } from 'memfs';
import { expect, it } from 'vitest';
import { FORMS, type Form, faceOf } from '../../grounds/face.ts';
import { Fault, failing, mount } from '../rig.ts';

it.each(FORMS)('W7: an open that is refused leaves nothing open: %s', async (form: Form) => {
  const overlay = mount(new Volume(), { lower: [], writeback: 'through' });
  overlay.fs.writeFileSync('/file', 'kept');
  const face = faceOf(overlay.fs, form, '/');
  const fault = new Fault(overlay);
  fault.arm(1, Number.POSITIVE_INFINITY, failing('EACCES'));
  for (const [path, flags] of [
    ['/new', 'wx'],
    ['/new', 'a'],
    ['/file', 'w'],
  ] as const) {
    await expect(face.open(path, flags)).rejects.toMatchObject({ code: 'EACCES' });
    expect(overlay.statistics().openFiles, `${path} ${flags}`).toBe(0);
  }
  fault.disarm();
  expect(overlay.fs.readFileSync('/file', 'utf8')).toBe('kept');
  overlay.close();
});
