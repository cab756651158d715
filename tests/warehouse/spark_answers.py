"""Answers of Spark to SQL files over the published Parquet, as JSON: a process of its own for its JVM and warnings.

python spark_answers.py PARQUET_DIR FILE.sql...
"""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main(folder: Path, files: list[Path]) -> None:
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "2")
    spark = builder.getOrCreate()
    for table in folder.iterdir():
        spark.read.parquet(str(table)).createOrReplaceTempView(table.name)
    answers = {
        file.stem: [list(row) for row in spark.sql(file.read_text(encoding="utf-8")).collect()] for file in files
    }
    print(json.dumps(answers, default=str))
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
