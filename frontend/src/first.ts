/** The text of the note as it came in the first response. */
class FirstText {
  #article: HTMLElement | null = null

  /** Take it out of the page; in the same turn the app is drawn and shows it again, so nothing flickers. */
  take(app: HTMLElement): void {
    this.#article = app.querySelector<HTMLElement>('article.note')
    app.replaceChildren()
  }

  /** The note is about to be opened again (somebody got a name): what is drawn now stays until then. */
  keep(article: HTMLElement): void {
    this.#article = article.cloneNode(true) as HTMLElement
    for (const element of this.#article.querySelectorAll('[contenteditable]')) element.removeAttribute('contenteditable')
  }

  get title(): string {
    return this.#article?.querySelector('.note-title')?.textContent ?? ''
  }

  /** The elements of its text; none when the page came without. */
  get body(): Node[] {
    const body = this.#article?.querySelector('.note-body .ProseMirror') ?? this.#article?.querySelector('.note-body')
    return [...(body?.cloneNode(true).childNodes ?? [])]
  }

  /** The rest of it has yet to come. */
  get isBeginning(): boolean {
    return !!this.#article?.querySelector('.note-rest')
  }

  get present(): boolean {
    return this.#article !== null
  }
}

export const firstText = new FirstText()
