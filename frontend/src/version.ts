/** Of the schema (schema.ts), as the server has it (`editor/content/schema.py`): a page of another version must not open a note. */
export const SCHEMA_VERSION = 1
