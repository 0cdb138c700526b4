-- Which migrations a database has says whether a build fits it. Whoever connects as the application must be able to look:
-- a database that is up to date needs no owner to be served.
GRANT SELECT ON public._sqlx_migrations TO countersign_app;
