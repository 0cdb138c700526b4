-- A case is named as its log names it, up to a thousand characters: more than an index row may hold. What is indexed of
-- a name is its beginning; questions order by that first, and by the whole name where beginnings are alike.
DROP INDEX read.imported_case_by_log;
-- A log's cases, by name.
CREATE INDEX imported_case_by_log ON read.imported_case (generation, org_id, log, left(name, 64));
-- The cases of a name, in whichever log.
CREATE INDEX imported_case_by_name ON read.imported_case (generation, org_id, left(name, 64));
