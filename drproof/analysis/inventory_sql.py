"""The comparison of two inventories as one statement that DuckDB and Athena read alike, in ANSI SQL.

It reads `left_inventory` and `right_inventory`, relations of the six columns in `COLUMNS`; how they come to be differs
between the engines and is said by `athena_tables` for the one that drproof does not run itself.
"""

from drproof.formats.s3_inventory import Manifest

COLUMNS = {
    "key": "VARCHAR",
    "size": "BIGINT",
    "e_tag": "VARCHAR",
    "encryption_status": "VARCHAR",
    "is_latest": "BOOLEAN",
    "is_delete_marker": "BOOLEAN",
}
"""What each side has: keys decoded, absent columns as their neutral value."""

_CURRENT = """SELECT SUBSTR(key, {first}) AS key, size, e_tag, encryption_status
  FROM {table}
  WHERE COALESCE(is_latest, TRUE) AND NOT COALESCE(is_delete_marker, FALSE)
    AND SUBSTR(key, 1, {length}) = {prefix}"""

_COMPARED = """WITH l AS (
  {left}
), r AS (
  {right}
)
SELECT
  COALESCE(l.key, r.key) AS key,
  CASE
    WHEN r.key IS NULL THEN 'missing'
    WHEN l.key IS NULL THEN 'extra'
    WHEN l.size <> r.size THEN 'different size'
    WHEN LENGTH(l.e_tag) = 32 AND LENGTH(r.e_tag) = 32 AND l.e_tag <> r.e_tag
      AND l.encryption_status IN ('SSE-S3', 'NOT-SSE') AND r.encryption_status IN ('SSE-S3', 'NOT-SSE')
      THEN 'different content'
    ELSE 'doubtful'
  END AS kind,
  l.size AS left_size,
  l.e_tag AS left_e_tag,
  r.size AS right_size,
  r.e_tag AS right_e_tag
FROM l FULL OUTER JOIN r ON l.key = r.key
WHERE l.key IS NULL OR r.key IS NULL OR l.size IS NULL OR r.size IS NULL OR l.size <> r.size
  OR COALESCE(l.e_tag, '') <> COALESCE(r.e_tag, '') OR LENGTH(COALESCE(l.e_tag, '')) < 32
ORDER BY 1"""


def compared(prefix_left: str, prefix_right: str) -> str:
    """Return the statement that yields what differs or may differ, in key order."""
    left, right = _current("left_inventory", prefix_left), _current("right_inventory", prefix_right)
    return _COMPARED.format(left=left, right=right)


def counted(table: str, prefix: str) -> str:
    """Return the statement that counts one side's current objects below a prefix."""
    return f"SELECT COUNT(*) FROM ({_current(table, prefix)}) AS c"  # noqa: S608 — the prefix is quoted


def counted_once(table: str, prefix: str) -> str:
    """Return the statement that counts one side's current objects, and their keys each once, in one pass."""
    return f"SELECT COUNT(*), COUNT(DISTINCT key) FROM ({_current(table, prefix)}) AS c"  # noqa: S608 — the prefix is quoted


def columns_of(manifest: Manifest, encoded_key: str) -> list[str]:
    """Return the expressions that bring an inventory's own columns to `COLUMNS`; `encoded_key` decodes a key."""
    absent = {"encryption_status": "CAST(NULL AS VARCHAR)", "is_latest": "TRUE", "is_delete_marker": "FALSE"}
    found = []
    for name, kind in COLUMNS.items():
        value = name if name in manifest.columns else absent[name]
        if name in manifest.columns and manifest.file_format == "CSV":
            value = encoded_key if name == "key" else f"CAST(NULLIF({name}, '') AS {kind})"
        found.append(f"{value} AS {name}")
    return found


def athena_tables(side: str, manifest: Manifest, taken: str) -> str:
    """Return what makes `<side>_inventory` in Athena; `taken` is the name of the inventory's folder."""
    is_csv = manifest.file_format == "CSV"
    serde = "org.apache.hadoop.hive.serde2.OpenCSVSerde" if is_csv else _PARQUET_SERDE
    kinds = {"size": "bigint", "is_latest": "boolean", "is_delete_marker": "boolean"}
    columns = ",\n".join(f"  {name} {'string' if is_csv else kinds.get(name, 'string')}" for name in _typed(manifest))
    place = manifest.files[0].key.rpartition("/data/")[0]
    at = taken.replace("T", "-").removesuffix("Z")
    return (
        f"CREATE EXTERNAL TABLE {side}_files (\n{columns}\n)\n"
        f"ROW FORMAT SERDE '{serde}'\n"
        f"STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'\n"
        f"OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'\n"
        f"LOCATION {_quoted(f's3://{manifest.destination}/{place}/hive/dt={at}/')};\n\n"
        f"CREATE VIEW {side}_inventory AS\n"
        f"SELECT {', '.join(columns_of(manifest, 'URL_DECODE(key)'))}\nFROM {side}_files;"
    )


_PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


def _typed(manifest: Manifest) -> tuple[str, ...]:
    """Return the columns to declare: all of a CSV file, which has them by place; of Parquet those that are read."""
    if manifest.file_format == "CSV":
        return manifest.columns
    return tuple(name for name in manifest.columns if name in COLUMNS)


def _current(table: str, prefix: str) -> str:
    return _CURRENT.format(table=table, first=len(prefix) + 1, length=len(prefix), prefix=_quoted(prefix))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
