-- Costs beside the bands, per model and week: the middle of the scenario by accelerator, and the steps by which it fell.
-- `basis` hashes the engine's facts and the week's rents: rows of another basis are replaced.
CREATE TABLE calc.cost_by_hardware (
    model_id VARCHAR, day DATE, hardware VARCHAR, deployment VARCHAR, precision VARCHAR, scenario VARCHAR, input_mid DOUBLE,
    output_mid DOUBLE, basis VARCHAR
);
CREATE TABLE calc.cost_fall (
    model_id VARCHAR, first_day DATE, day DATE, position INTEGER, cause VARCHAR, usd_per_mtok DOUBLE, factor DOUBLE,
    deployment VARCHAR, scenario VARCHAR, basis VARCHAR
);
