/** How long what people call themselves and their notes may be, in characters, as the server has it (`editor/characters.py`). */
export const LONGEST_NAME = 80
export const LONGEST_TITLE = 500
