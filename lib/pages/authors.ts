/**
 * Which dirty bytes were written by whom, for an upper that can tell its writers apart (W13). Other overlays have no
 * `Authors`.
 */

import type { Author } from '../branch/upper/acting.ts';
import { type Claim, Claims } from './claims.ts';
import type { Contents } from './contents.ts';

const NONE: readonly Claim[] = [];

/** The authors of one overlay, and their claims. */
export class Authors {
  /** The overlay itself as an author: the credentials that it was made with. */
  readonly own: Author;
  /** Authors by their credentials, as long as anybody uses them. Changed by `of` and `#collected`. */
  readonly #known = new Map<string, WeakRef<Author>>();
  readonly #collected = new FinalizationRegistry<string>((key) => {
    if (this.#known.get(key)?.deref() === undefined) this.#known.delete(key);
  });
  /** By file. Files with claims have an entry, and some whose claims have gone. */
  readonly #claims = new WeakMap<Contents, Claims>();

  constructor(own: Author) {
    this.own = own;
  }

  /** The one object for these credentials. */
  of(uid: number, gid: number, groups: Iterable<number>): Author {
    const ordered = [...new Set(groups)].sort((a, b) => a - b);
    const key = `${uid}:${gid}:${ordered.join()}`;
    const known = this.#known.get(key)?.deref();
    if (known !== undefined) return known;
    const author = { uid, gid, groups: ordered };
    this.#known.set(key, new WeakRef(author));
    this.#collected.register(author, key);
    return author;
  }

  /** Notes who has written bytes of a file. */
  claim(file: Contents, from: number, to: number, author: Author): void {
    if (from === to) return;
    let claims = this.#claims.get(file);
    if (claims === undefined) {
      claims = new Claims();
      this.#claims.set(file, claims);
    }
    claims.add(from, to, author);
  }

  /** All claims of a file as they are now, in order. */
  claimsOn(file: Contents): readonly Claim[] {
    return this.#claims.get(file)?.all ?? NONE;
  }

  /** The claims within bytes `from` to `to` of a file, in order. */
  within(file: Contents, from: number, to: number): readonly Claim[] {
    return this.#claims.get(file)?.within(from, to) ?? NONE;
  }

  /** Notes that bytes of a file no longer belong to any author. */
  release(file: Contents, from: number, to: number): void {
    this.#claims.get(file)?.release(from, to);
  }

  /** Notes that no byte of a file belongs to an author any more. */
  drop(file: Contents): void {
    this.#claims.delete(file);
  }

  /** Whether bytes `from` to `to` of a file hold data of another author that is not written back yet. */
  hasOthers(file: Contents, from: number, to: number, author: Author): boolean {
    const claims = this.#claims.get(file);
    return claims !== undefined && !claims.isEmpty && claims.within(from, to).some((claim) => claim.author !== author);
  }
}
