"""The alternative stack described on the reference system's architecture page: FastAPI, FastAPI Users with JWT, and
SQLAlchemy on asyncpg, with a session for each request, CORS, a logging middleware and Redis. All settings are the
packages' defaults; nothing is slowed down or tuned. Run by `python -m benchmarks.serve reference_stack:app`."""

import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

logger = logging.getLogger("reference")


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    __tablename__ = "reference_users"


class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class UserPage(BaseModel):
    items: list[UserRead]
    total: int


class UserCreate(schemas.BaseUserCreate):
    pass


class UserUpdate(schemas.BaseUserUpdate):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = verification_token_secret = os.environ.get("SECRET_KEY", "")


def app() -> FastAPI:
    engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"))
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            try:
                yield session
                await session.commit()
            except Exception:
                await session.rollback()
                raise

    async def get_user_db(session: AsyncSession = Depends(get_session)) -> AsyncIterator[Any]:  # noqa: B008
        yield SQLAlchemyUserDatabase(session, User)

    async def get_user_manager(user_db: Any = Depends(get_user_db)) -> AsyncIterator[UserManager]:  # noqa: B008
        yield UserManager(user_db)

    backend = AuthenticationBackend(
        name="jwt",
        transport=BearerTransport(tokenUrl="api/auth/jwt/login"),
        get_strategy=lambda: JWTStrategy(secret=os.environ["SECRET_KEY"], lifetime_seconds=3600),
    )
    users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
    made = FastAPI(title="REST Angular API", version="0.1.0")
    made.add_middleware(
        CORSMiddleware,
        allow_origins=["http://localhost:4200"],
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
    )

    @made.middleware("http")
    async def log_requests(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.time()
        response = await call_next(request)
        logger.info("Response: %s (%.3fs)", response.status_code, time.time() - began)
        return response

    @made.on_event("startup")
    async def create_tables() -> None:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    @made.get("/api/users", response_model=UserPage)
    async def list_users(
        offset: int = 0,
        limit: int = 20,
        q: str = "",
        session: AsyncSession = Depends(get_session),  # noqa: B008
        user: User = Depends(users.current_user(active=True, superuser=True)),  # noqa: B008
    ) -> dict[str, Any]:
        found = select(User)
        if q:
            found = found.where(User.email.ilike(f"%{q}%"))
        total = await session.scalar(select(func.count()).select_from(found.subquery()))
        rows = await session.scalars(found.order_by(User.email).offset(offset).limit(limit))
        return {"items": rows.all(), "total": total}

    made.include_router(users.get_auth_router(backend), prefix="/api/auth/jwt")
    made.include_router(users.get_register_router(UserRead, UserCreate), prefix="/api/auth")
    made.include_router(users.get_users_router(UserRead, UserUpdate), prefix="/api/users")
    return made
