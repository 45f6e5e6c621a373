"""Write sunspots.csv: the yearly sunspot numbers that the package statsmodels ships.

By hand, once: `pip install statsmodels`, then `python data/make_sunspots.py`.
statsmodels only delivers the data; the course does not depend on it.
"""

from pathlib import Path

from statsmodels.datasets import sunspots


def main():
    """Check that the years follow each other, and store them with their numbers."""
    table = sunspots.load_pandas().data
    years, numbers = table["YEAR"].astype(int).tolist(), table["SUNACTIVITY"].tolist()
    assert years == list(range(1700, 2009)), "years are missing"
    target = Path(__file__).with_name("sunspots.csv")
    rows = (f"{year},{number:g}\n" for year, number in zip(years, numbers, strict=True))
    target.write_text("year,sunspots\n" + "".join(rows), encoding="utf-8")
    print(f"{target.name}: {len(years)} years, {target.stat().st_size:,} B")


if __name__ == "__main__":
    main()
